package mirror

import (
	"path"
	"runtime"
	"strings"
	"unicode/utf8"
)

// Filter chooses the files or objects of a run. The zero Filter chooses all of them.
//
// Patterns are those of the AWS CLI, which are Python's fnmatch on the path below the root: * matches any characters,
// including slashes, ? any one character, [a-c] one of these, [!a-c] any other; the pattern must match the whole path. A
// pattern with a leading slash matches the absolute path of a local file. The last pattern that matches decides.
type Filter struct {
	rules []rule
}

// rule is one pattern.
type rule struct {
	include  bool
	absolute bool
	pattern  []token
}

// Exclude leaves out paths that match pattern.
func (f *Filter) Exclude(pattern string) { f.add(false, pattern) }

// Include includes paths that match pattern again.
func (f *Filter) Include(pattern string) { f.add(true, pattern) }

func (f *Filter) add(include bool, pattern string) {
	f.rules = append(f.rules, rule{include: include, absolute: strings.HasPrefix(pattern, "/"), pattern: compile(fold(pattern))})
}

// fold lowers the case of names and turns backslashes into slashes on Windows, as the AWS CLI does.
func fold(name string) string {
	if runtime.GOOS == "windows" {
		return strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
	}
	return name
}

// Empty reports whether the Filter chooses everything.
func (f *Filter) Empty() bool { return len(f.rules) == 0 }

// Wants reports whether the Filter chooses a path under a root. The root is the absolute path of a folder, with slashes, or
// empty; only patterns with a leading slash use it.
func (f *Filter) Wants(root, rel string) bool {
	wanted := true
	rel = fold(rel)
	for _, r := range f.rules {
		name := rel
		if r.absolute {
			if root == "" {
				continue
			}
			name = path.Join(fold(root), rel)
		}
		if matches(r.pattern, name) {
			wanted = r.include
		}
	}
	return wanted
}

// token is one element of a pattern: any run of characters, any one, or one of a set.
type token struct {
	many   bool
	any    bool
	not    bool
	ranges []span // of a set; nil for none: then only the char matches
	char   rune
	set    bool
}

// span is a range of characters, both ends included.
type span struct{ lo, hi rune }

// letters splits a name into characters. A byte that is not UTF-8 stands for itself, as in Python's file names.
func letters(s string) []rune {
	out := make([]rune, 0, len(s))
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = 0xdc00 + rune(s[0]) // a surrogate, which no text has
		}
		out, s = append(out, r), s[n:]
	}
	return out
}

// compile reads a pattern as Python's fnmatch.translate does.
func compile(pattern string) []token {
	p := letters(pattern)
	var out []token
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '*':
			if len(out) == 0 || !out[len(out)-1].many {
				out = append(out, token{many: true})
			}
		case '?':
			out = append(out, token{any: true})
		case '[':
			t, end := compileSet(p, i)
			out = append(out, t)
			i = end
		default:
			out = append(out, token{char: p[i]})
		}
	}
	return out
}

// compileSet reads the set that starts at the bracket p[i], and returns where it ends. A bracket that is never closed is a plain
// one; one that follows the opening, or its !, is a member.
func compileSet(p []rune, i int) (token, int) {
	j := i + 1
	if j < len(p) && p[j] == '!' {
		j++
	}
	if j < len(p) && p[j] == ']' {
		j++
	}
	for j < len(p) && p[j] != ']' {
		j++
	}
	if j >= len(p) {
		return token{char: '['}, i
	}
	members := p[i+1 : j]
	t := token{set: true}
	if members[0] == '!' {
		t.not, members = true, members[1:]
	}
	t.ranges = spans(members)
	return t, j
}

// spans reads what is in a set: single characters, and ranges of two with a dash between them. A dash at either end, and one
// right after a range, stands for itself; a range that runs backwards has nothing in it.
func spans(m []rune) []span {
	var out []span
	for i := 0; i < len(m); {
		if i+2 < len(m) && m[i+1] == '-' {
			if m[i] <= m[i+2] {
				out = append(out, span{m[i], m[i+2]})
			}
			i += 3
			continue
		}
		out = append(out, span{m[i], m[i]})
		i++
	}
	return out
}

func (t token) takes(r rune) bool {
	switch {
	case t.any:
		return true
	case !t.set:
		return t.char == r
	}
	for _, s := range t.ranges {
		if s.lo <= r && r <= s.hi {
			return !t.not
		}
	}
	return t.not
}

// matches backtracks only to the last *, so that no pattern takes longer than the product of both lengths.
func matches(pattern []token, name string) bool {
	text := letters(name)
	p, n := 0, 0
	star, from := -1, 0
	for n < len(text) {
		switch {
		case p < len(pattern) && pattern[p].many:
			star, from = p, n
			p++
		case p < len(pattern) && pattern[p].takes(text[n]):
			p, n = p+1, n+1
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p].many {
		p++
	}
	return p == len(pattern)
}
