package digestlist

import (
	"fmt"
	"slices"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
)

// layout is what the columns of a table say about files.
type layout struct {
	columns []column
	files   []fileColumns
	// idle are columns without a role, whose values must not look like digests.
	idle []int
	// problems are columns of digests that belong to no file.
	problems []string
}

// fileColumns are those about one file of each row. A column that is not there is -1.
type fileColumns struct {
	name, size, folder int
	digests            []digestColumn
	// sealed: the digests are of the encrypted file; plain: they are of the file that is in it.
	sealed, plain bool
	// several files may be in one field, with semicolons between.
	several bool
}

type digestColumn struct {
	at, algorithm int
	of            checksum.Algorithm
}

// archiveWords are of ENA's columns, in whose fields several files may be.
var archiveWords = words("ftp aspera galaxy")

// layoutOf pairs the columns of digests with those of names.
func layoutOf(header []string) layout {
	l := layout{}
	seen := map[string]int{}
	for _, name := range header {
		key := strings.Join(wordsOf(name), " ")
		l.columns = append(l.columns, columnOf(name, seen[key]))
		seen[key]++
	}
	var left []int
	for i, c := range l.columns {
		if !c.digest {
			continue
		}
		if name := l.nameFor(c); name >= 0 {
			l.pair(i, name)
		} else {
			left = append(left, i)
		}
	}
	for _, i := range left {
		if name := l.onlyName(); name >= 0 && !l.hasDigest(name, l.columns[i]) {
			l.pair(i, name)
			continue
		}
		l.problems = append(l.problems, fmt.Sprintf("its column %q has digests, and none of its columns has the names of their files (%s)",
			l.columns[i].name, strings.Join(header, ", ")))
	}
	for _, c := range l.columns {
		if c.other && len(l.files) == 0 {
			l.problems = append(l.problems, fmt.Sprintf("its column %q has digests of an algorithm that haul does not compute", c.name))
		}
	}
	l.encrypted()
	l.complete()
	return l
}

// nameFor finds the column with the names of the files that a column of digests is about; -1 if none is, or several could
// be.
func (l *layout) nameFor(d column) int {
	if len(d.about) > 0 { // FASTQ and FASTQ_MD5
		for i, c := range l.columns {
			if !c.digest && !c.size && !c.algorithm && slices.Equal(c.about, d.about) {
				return i
			}
		}
	}
	for _, fits := range []func(c column) bool{
		func(c column) bool { return c.strong && sameWords(c.stem, d.stem) },
		func(c column) bool { return c.weak && sameWords(c.stem, d.stem) },
	} {
		if i, _ := l.best(fits); i >= 0 {
			return i
		}
	}
	extra := -1 // md5_1 and fastq_1: the fewest words more
	for _, c := range l.columns {
		if n := len(c.stem) - len(d.stem); c.strong && n > 0 && len(without(d.stem, c.stem)) == 0 && (extra < 0 || n < extra) {
			extra = n
		}
	}
	i, n := l.best(func(c column) bool {
		return c.strong && extra > 0 && len(c.stem)-len(d.stem) == extra && len(without(d.stem, c.stem)) == 0
	})
	if n == 1 || i >= 0 && !l.tied(i, d, extra) {
		return i
	}
	return -1
}

// tied reports whether another column could be meant as well as i: one that is about another kind of file.
func (l *layout) tied(i int, d column, extra int) bool {
	return slices.ContainsFunc(l.columns, func(c column) bool {
		return c.strong && len(c.stem)-len(d.stem) == extra && len(without(d.stem, c.stem)) == 0 && rank(c) == rank(l.columns[i]) && !sameWords(c.stem, l.columns[i].stem)
	})
}

// best returns the column that fits and whose words say most clearly that it has names of files, and how many fit.
func (l *layout) best(fits func(column) bool) (at, n int) {
	at = -1
	for i, c := range l.columns {
		if c.digest || c.size || c.algorithm || !fits(c) {
			continue
		}
		if n++; at < 0 || rank(c) < rank(l.columns[at]) {
			at = i
		}
	}
	return at, n
}

// rank orders columns with names: that of a file before its path, before an address.
func rank(c column) int {
	if !hasAny(c.words, nameWords) {
		return 3 * len(nameWords)
	}
	r := 0
	for _, w := range c.words {
		r = max(r, slices.Index(nameWords, w))
	}
	return r
}

func sameWords(a, b []string) bool {
	return len(without(a, b)) == 0 && len(without(b, a)) == 0
}

// onlyName returns the one column with names of files; -1 if there are several.
func (l *layout) onlyName() int {
	at, n := l.best(func(c column) bool { return c.strong })
	if n == 0 {
		at, n = l.best(func(c column) bool { return c.weak })
	}
	if n != 1 {
		return -1
	}
	return at
}

func (l *layout) hasDigest(name int, d column) bool {
	return slices.ContainsFunc(l.files, func(f fileColumns) bool {
		return f.name == name && slices.ContainsFunc(f.digests, func(c digestColumn) bool { return c.of == d.of })
	})
}

// pair records that a column has digests of the files in another.
func (l *layout) pair(digest, name int) {
	d := digestColumn{at: digest, algorithm: -1, of: l.columns[digest].of}
	for i := range l.files {
		f := &l.files[i]
		if f.name == name && l.variant(f.digests[0].at) == l.variant(digest) {
			f.digests = append(f.digests, d)
			return
		}
	}
	l.files = append(l.files, fileColumns{name: name, size: -1, folder: -1, digests: []digestColumn{d}, several: hasAny(l.columns[name].words, archiveWords)})
}

// variant distinguishes digests of the encrypted file from those of the plain one.
func (l *layout) variant(i int) int {
	switch c := l.columns[i]; {
	case c.plain:
		return 1
	case c.sealed:
		return 2
	}
	return 0
}

// encrypted finds the digests that are of an encrypted file: they say so, or stand beside others that are of the plain one.
func (l *layout) encrypted() {
	for i, f := range l.files {
		v := l.variant(f.digests[0].at)
		l.files[i].plain = v == 1
		l.files[i].sealed = v == 2 || v == 0 && slices.ContainsFunc(l.files, func(g fileColumns) bool {
			return g.name == f.name && l.variant(g.digests[0].at) == 1
		})
	}
}

// complete finds sizes, algorithms and GDC's folders.
func (l *layout) complete() {
	used := map[int]bool{}
	for i := range l.files {
		f := &l.files[i]
		used[f.name] = true
		for k := range f.digests {
			d := &f.digests[k]
			used[d.at] = true
			d.algorithm = slices.IndexFunc(l.columns, func(c column) bool {
				return c.algorithm && d.of == checksum.None && sameWords(without(c.stem, digestWords, algorithmWords), l.columns[d.at].stem)
			})
			used[d.algorithm] = true
		}
		f.size = slices.IndexFunc(l.columns, func(c column) bool {
			return c.size && (sameWords(c.stem, l.columns[f.name].stem) || sameWords(c.stem, l.columns[f.digests[0].at].stem) || len(c.stem) == 0 && len(l.files) == 1)
		})
		if f.sealed || l.variant(f.digests[0].at) != 0 {
			f.size = -1 // it may be the size of either
		}
		if strings.EqualFold(l.columns[f.name].name, "filename") && l.find("state") >= 0 { // GDC's client makes a folder of each id
			f.folder = l.find("id")
		}
	}
	for i, c := range l.columns {
		if !used[i] && !c.digest && !c.id && !c.size && !c.other {
			l.idle = append(l.idle, i)
		}
	}
}

func (l *layout) find(name string) int {
	return slices.IndexFunc(l.columns, func(c column) bool { return strings.EqualFold(c.name, name) })
}

// good reports whether the columns assign digests to files.
func (l *layout) good() bool { return len(l.files) > 0 }

// row yields the entries of one row; it returns false if yield wants no more.
func (l *layout) row(line int, row []string, yield yielder) bool {
	fail := func(name string, err error) bool { return yield(Entry{}, &LineError{Line: line, Name: name, Err: err}) }
	if len(row) == 1 && len(l.columns) > 1 {
		return fail("", fmt.Errorf("%s is not a row of the table: it has 1 field, and the header %d", short(row[0]), len(l.columns)))
	}
	for _, f := range l.files {
		if !l.file(line, f, row, yield) {
			return false
		}
	}
	for _, i := range l.idle {
		if isHexDigest(bare(field(row, i))) {
			if !fail("", fmt.Errorf("its column %q has what looks like a digest (%s), and no file that it belongs to", l.columns[i].name, short(field(row, i)))) {
				return false
			}
		}
	}
	for i := len(l.columns); i < len(row); i++ {
		if strings.TrimSpace(row[i]) != "" {
			return fail("", fmt.Errorf("it has %d fields, and the header %d; a name with the character between fields needs quotes", len(row), len(l.columns)))
		}
	}
	return true
}

func field(row []string, at int) string {
	if at < 0 || at >= len(row) {
		return ""
	}
	return row[at]
}

// fieldSplitter returns a function that splits fields with several values.
func (f fileColumns) fieldSplitter(row []string) func(at int) []string {
	between := ""
	for _, d := range f.digests {
		between += listed(field(row, d.at))
	}
	if f.several {
		between += ";"
	}
	return func(at int) []string {
		text := strings.TrimSpace(field(row, at))
		switch {
		case absent(text):
			return nil
		case between == "":
			return []string{text}
		}
		return strings.Split(strings.TrimRight(text, between[:1]), between[:1])
	}
}

// file yields the entries of one file of a row, or of those in one field.
func (l *layout) file(line int, f fileColumns, row []string, yield yielder) bool {
	fail := func(name string, err error) bool { return yield(Entry{}, &LineError{Line: line, Name: name, Err: err}) }
	split := f.fieldSplitter(row)
	names, sizes := split(f.name), split(f.size)
	count := len(names)
	for _, d := range f.digests {
		n := len(split(d.at))
		switch {
		case n > 0 && len(names) == 0:
			return fail("", fmt.Errorf("it has %s and no file name in %q", amount.Count(n, "digest"), l.columns[f.name].name))
		case n > 0 && n != count:
			return fail("", fmt.Errorf("it has %s and %s; each digest needs its name", amount.Count(n, "digest"), amount.Count(count, "name")))
		}
	}
	for i := range names {
		e := f.entry(line, row, names[i])
		if len(sizes) == count {
			e.Size = parseSize(sizes[i])
		}
		if e.Name == "" {
			if !fail("", fmt.Errorf("it has a digest and no file name in %q", l.columns[f.name].name)) {
				return false
			}
			continue
		}
		var bad error
		for _, d := range f.digests {
			if err := d.add(&e, row, field(split(d.at), i)); err != nil {
				bad = err
			}
		}
		switch {
		case bad != nil && len(e.Sums) == 0:
			if !fail(e.Name, bad) {
				return false
			}
		case !yield(e, nil), bad != nil && !fail("", fmt.Errorf("%s: %w", short(e.Name), bad)):
			return false
		}
	}
	return true
}

// entry returns the entry of a file, without size and digests.
func (f fileColumns) entry(line int, row []string, name string) Entry {
	e := Entry{Line: line, Name: f.named(row, name), Size: -1, Group: f.group()}
	stem, sealed := Unsealed(e.Name)
	if e.Sealed = f.sealed && !sealed; f.plain {
		e.Name = stem
	}
	return e
}

// group returns the kind of files of which only some may be there: those of an archive, and encrypted ones.
func (f fileColumns) group() int {
	switch {
	case f.sealed:
		return 1
	case f.plain:
		return 2
	case f.several:
		return 3 + f.name
	}
	return 0
}

// named returns the name of a file as it is below GDC's folder, if there is one.
func (f fileColumns) named(row []string, name string) string {
	name = cleanName(unquoted(strings.TrimSpace(name)))
	if folder := field(row, f.folder); !absent(folder) && name != "" {
		return folder + "/" + name
	}
	return name
}

// SealedEnds are the endings of names of encrypted files in archives for human data.
var SealedEnds = []string{".c4gh", ".gpg"}

// Unsealed returns the name of the file that is in an encrypted one; false if the name is not that of an encrypted file.
func Unsealed(name string) (string, bool) {
	for _, end := range append(slices.Clone(SealedEnds), ".pgp", ".cip", ".aes") {
		if stem, ok := strings.CutSuffix(name, end); ok && !strings.HasSuffix(name, "/"+end) {
			return stem, stem != ""
		}
	}
	return name, false
}

// unquoted removes the apostrophe that keeps a spreadsheet from reading a name as a formula.
func unquoted(name string) string {
	if rest, ok := strings.CutPrefix(name, "'"); ok && rest != "" && strings.ContainsRune("=+-@", rune(rest[0])) {
		return rest
	}
	return name
}

// add reads one digest into an entry.
func (d digestColumn) add(e *Entry, row []string, value string) error {
	if absent(value) {
		return nil
	}
	want := d.of
	if text := bare(field(row, d.algorithm)); d.algorithm >= 0 && text != "" {
		if want = algorithmOf(text); want == checksum.None {
			return fmt.Errorf("%s is not an algorithm that haul computes", short(text))
		}
	}
	s, err := parseDigest(value, want)
	if err != nil {
		return err
	}
	return e.add(s)
}

// add adds a digest, of which there must be one of each algorithm.
func (e *Entry) add(s checksum.Sum) error {
	for _, other := range e.Sums {
		if other.Algorithm == s.Algorithm && other.Parts == s.Parts {
			if other != s {
				return fmt.Errorf("it has two digests of %s that differ: %s and %s", s.Algorithm, other.Hex(), s.Hex())
			}
			return nil
		}
	}
	e.Sums = append(e.Sums, s)
	return nil
}

// listed returns the separator of several digests in one field; nothing if there is one.
func listed(value string) string {
	for _, between := range []string{";", ",", "|", " "} {
		if all := strings.Split(strings.Trim(strings.TrimSpace(value), between), between); len(all) > 1 && slices.ContainsFunc(all, isDigest) && !isDigest(value) {
			return between
		}
	}
	return ""
}
