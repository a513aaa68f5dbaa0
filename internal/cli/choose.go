package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/mirror"
)

// filterFlags are --exclude and --include, whose order counts.
type filterFlags struct{ filter mirror.Filter }

func (f *filterFlags) add(fs *pflag.FlagSet) {
	fs.Var(&patternFlag{f, false}, "exclude", "exclude what matches `PATTERN`, below the source; may be repeated, and the last that matches decides")
	fs.Var(&patternFlag{f, true}, "include", "include what matches `PATTERN` after all")
}

// patternFlag adds one pattern each time.
type patternFlag struct {
	to      *filterFlags
	include bool
}

// Set adds.
func (p *patternFlag) Set(pattern string) error {
	if p.include {
		p.to.filter.Include(pattern)
	} else {
		p.to.filter.Exclude(pattern)
	}
	return nil
}

func (p *patternFlag) Type() string { return "PATTERN" }

func (p *patternFlag) String() string { return "" }

// selectFlags say which files and objects are meant, and what about those that are odd.
type selectFlags struct {
	filterFlags
	from             string
	raw              bool
	follow, noFollow bool
	caseConflict     string
	ignoreArchived   bool
	forceArchived    bool
	pageSize         int
}

func (f *selectFlags) flags(verb string) *pflag.FlagSet {
	fs := pflag.NewFlagSet("Which files and objects", pflag.ContinueOnError)
	f.add(fs)
	if verb != syncVerb {
		fs.StringVar(&f.from, "files-from", "", "only what `LIST` names (- is standard input): one path below the source per line, or SOURCE, a tab, and TARGET")
		fs.BoolVar(&f.raw, "raw", false, "take * and ? in the source literally, not as wildcards")
	}
	fs.BoolVar(&f.follow, "follow-symlinks", false, "follow symbolic links on upload (the default)")
	fs.BoolVar(&f.noFollow, "no-follow-symlinks", false, "skip symbolic links")
	fs.StringVar(&f.caseConflict, "case-conflict", "", "what to `DO` with keys that differ only in case, on a case-insensitive file system: ignore, warn, skip, error (default: the key fails)")
	fs.BoolVar(&f.ignoreArchived, "ignore-glacier-warnings", false, "skip archived objects silently")
	fs.BoolVar(&f.forceArchived, "force-glacier-transfer", false, "fail on archived objects instead of skipping them")
	fs.IntVar(&f.pageSize, "page-size", 0, "list `N` objects per request (default 1000)")
	return fs
}

// parse understands the flags.
func (f *selectFlags) parse(set *pflag.FlagSet, o *mirror.Options) error {
	if f.follow && f.noFollow {
		return usagef("--follow-symlinks and --no-follow-symlinks cannot be used together")
	}
	if f.ignoreArchived && f.forceArchived {
		return usagef("--ignore-glacier-warnings and --force-glacier-transfer cannot be used together")
	}
	if set.Changed("page-size") && f.pageSize < 1 {
		return usagef("--page-size: it must be at least 1")
	}
	o.Select.Filter, o.Select.NoFollow, o.PageSize = f.filter, f.noFollow, f.pageSize
	switch {
	case f.ignoreArchived:
		o.Archived = mirror.IgnoreArchived
	case f.forceArchived:
		o.Archived = mirror.FailArchived
	}
	o.CaseConflict = mirror.CaseConflict(f.caseConflict)
	switch o.CaseConflict {
	case mirror.FailCase, mirror.IgnoreCase, mirror.WarnCase, mirror.SkipCase, mirror.EndCase:
		return nil
	}
	return usagef("--case-conflict must be ignore, warn, skip or error (got %q)", f.caseConflict)
}

// hasWildcards reports whether a source is a pattern. A local file of the very name is none.
func hasWildcards(l location, d files) bool {
	switch l.kind {
	case remote:
		return strings.ContainsAny(l.ref.Key, "*?")
	case local:
		if !strings.ContainsAny(l.text, "*?") {
			return false
		}
		_, err := d.mode(l.text)
		return err != nil
	}
	return false
}

// openList opens what --files-from names.
func (a *app) openList(ctx context.Context, name string) (io.ReadCloser, error) {
	if name == "-" {
		in, err := a.sys.in()
		if err != nil {
			return nil, err
		}
		return io.NopCloser(&source{in, ctx.Err}), nil
	}
	f, err := os.Open(name)
	if os.IsNotExist(err) {
		return nil, &missingError{"--files-from: no such file: " + name}
	}
	return f, err
}

// maxLine bounds a line of a list: two keys of 1024 bytes, and room.
const maxLine = 64 << 10

// readPairs reads a list of paths, or of pairs with a tab between. Empty lines say nothing.
func readPairs(from io.Reader) iter.Seq2[mirror.Pair, error] {
	return func(yield func(mirror.Pair, error) bool) {
		lines := bufio.NewScanner(from)
		lines.Buffer(nil, maxLine)
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSuffix(lines.Text(), "\r")
			if line == "" {
				continue
			}
			var p mirror.Pair
			var paired bool
			p.Source, p.Target, paired = strings.Cut(line, "\t")
			if p.Source == "" || paired && p.Target == "" {
				yield(p, usagef("--files-from: line %d names no %s", n, map[bool]string{true: "source", false: "target"}[p.Source == ""]))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(mirror.Pair{}, fmt.Errorf("read the list of files: %w", err))
		}
	}
}
