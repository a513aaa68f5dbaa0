package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
)

// filterFlags are --exclude and --include, whose order counts.
type filterFlags struct{ filter mirror.Filter }

func (f *filterFlags) add(fs *pflag.FlagSet) {
	fs.Var(&patternFlag{f, false}, "exclude", "exclude files or objects whose relative path matches `PATTERN`")
	fs.Var(&patternFlag{f, true}, "include", "re-include files or objects that match `PATTERN`; the last match wins")
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
	fs := pflag.NewFlagSet("Selection", pflag.ContinueOnError)
	f.add(fs)
	if verb != syncVerb {
		fs.StringVar(&f.from, "files-from", "", "transfer only the files listed in `LIST` (- for standard input): each line is a path relative to the source, or SOURCE, a tab, and TARGET")
		fs.BoolVar(&f.raw, "raw", false, "treat * and ? in the source as ordinary characters, not as wildcards")
	}
	fs.BoolVar(&f.follow, "follow-symlinks", false, "follow symbolic links on upload (the default)")
	fs.Lookup("follow-symlinks").Hidden = true
	fs.BoolVar(&f.noFollow, "no-follow-symlinks", false, "skip symbolic links")
	fs.StringVar(&f.caseConflict, "case-conflict", "", "what to do with keys that differ only in case on a case-insensitive file system: `ACTION` is ignore, warn, skip or error (default: the second key fails)")
	fs.BoolVar(&f.ignoreArchived, "ignore-glacier-warnings", false, "skip archived objects silently")
	fs.BoolVar(&f.forceArchived, "force-glacier-transfer", false, "fail on archived objects instead of skipping them")
	fs.IntVar(&f.pageSize, "page-size", 0, "list `N` objects per request (default 1000)")
	return fs
}

// parse adds what the flags describe to o.
func (f *selectFlags) parse(set *pflag.FlagSet, o *mirror.Options) error {
	if f.follow && f.noFollow {
		return command.Usagef("--follow-symlinks and --no-follow-symlinks cannot be used together")
	}
	if f.ignoreArchived && f.forceArchived {
		return command.Usagef("--ignore-glacier-warnings and --force-glacier-transfer cannot be used together")
	}
	if set.Changed("page-size") && f.pageSize < 1 {
		return command.Usagef("--page-size: it must be at least 1")
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
	return command.Usagef("--case-conflict must be ignore, warn, skip or error (got %q)", f.caseConflict)
}

// hasWildcards reports whether a source is a pattern. The name of an existing local file is not.
func hasWildcards(l command.Location, d files) bool {
	switch l.Kind {
	case command.Remote:
		return strings.ContainsAny(l.Ref.Key, "*?")
	case command.Local:
		if !strings.ContainsAny(l.Text, "*?") {
			return false
		}
		_, err := d.mode(l.Text)
		return err != nil
	}
	return false
}
