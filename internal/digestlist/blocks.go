package digestlist

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Forms in which each file has several lines.
var (
	// certutil: "MD5 hash of C:\x.bam:" in the language of that Windows, then the digest, with or without spaces.
	certutilHead = lazy(`(?i)^\S*?(?:hash\S*\s+)?\b(MD2|MD4|MD5|SHA1|SHA256|SHA384|SHA512)\b.*:$`)
	certutilName = lazy(`(?i)^.*?\b(?:of file|of|der Datei|von|du fichier|de|del archivo|di|fichier)\s+(.+):$`)
	// gsutil hash: "Hashes [hex] for x.bam:", then "	Hash (md5):		HEX".
	gsutilHead = lazy(`^(?:Hashes \[\w+\] for (.+)|(gs://.+)):$`)
	// PowerShell's Format-List, and YAML: "Hash      : HEX", "md5_hash: HEX".
	keyLine = lazy(`^[ \t]*([\pL][\pL0-9_() -]*?)[ \t]*:(?:[ \t]+(.*))?$`)
)

// blocksIn knows blocks by the first lines.
func blocksIn(lines []string) form {
	first := slices.IndexFunc(lines, func(line string) bool { return !isComment(line) && strings.Trim(line, "-. ") != "" })
	if first < 0 || first+1 >= len(lines) {
		return nil
	}
	line, next := lines[first], lines[first+1]
	switch {
	case certutilHead().MatchString(line) && isHexDigest(strings.ReplaceAll(next, " ", "")),
		gsutilHead().MatchString(line) && keyLine().MatchString(next):
		return blockForm
	}
	a, b := keyLine().FindStringSubmatch(line), keyLine().FindStringSubmatch(next)
	if a == nil || b == nil || isDigest(a[2]) && isDigest(b[2]) && looksLikeFile(a[1]) {
		return nil
	}
	for _, line := range lines[first:] { // the first block has a column of digests
		m := keyLine().FindStringSubmatch(line)
		if m == nil {
			return nil
		}
		if c := columnOf(m[1], 0); c.digest && isDigest(m[2]) {
			return blockForm
		}
	}
	return nil
}

// block is what was read of one file so far.
type block struct {
	line         int
	keys, values []string
	cut          bool // a value other than a digest continues in the next line, where spaces are lost
}

func (b *block) put(key, value string) {
	b.keys, b.values = append(b.keys, key), append(b.values, value)
}

// blockForm reads blocks; an empty line, ---, or another head ends one.
func blockForm(r io.Reader, yield yielder) {
	b := blockReader{yield: yield}
	going := true
	eachLine(r, func(e Entry, err error) bool { going = yield(e, err); return going }, func(n int, line string) bool {
		going = b.line(n, line)
		return going
	})
	if going {
		b.end()
	}
}

// blockReader reads blocks line by line. Its methods return false if yield wants no more.
type blockReader struct {
	yield    yielder
	block    block
	awaiting string // the algorithm whose digest comes in the next line
}

// end yields the entries of the block.
func (b *blockReader) end() bool {
	ended := b.block
	b.block, b.awaiting = block{}, ""
	return len(ended.keys) == 0 || ended.entries(b.yield)
}

// start ends the block, and starts another with a name.
func (b *blockReader) start(n int, name string) bool {
	if !b.end() {
		return false
	}
	b.block.line = n
	b.block.put("name", name)
	return true
}

func (b *blockReader) fail(n int, format string, args ...any) bool {
	return b.yield(Entry{}, &LineError{Line: n, Err: fmt.Errorf(format, args...)})
}

func (b *blockReader) line(n int, line string) bool {
	text := strings.TrimSpace(line)
	if strings.Trim(text, "-.") == "" {
		return b.end()
	}
	if b.awaiting != "" {
		b.block.put(b.awaiting, strings.ReplaceAll(text, " ", ""))
		b.awaiting = ""
		return true
	}
	if strings.HasPrefix(text, "CertUtil:") {
		return !strings.Contains(text, "0x") || b.end() && b.fail(n, "%s", text)
	}
	if m := gsutilHead().FindStringSubmatch(text); m != nil {
		return b.start(n, m[1]+m[2])
	}
	if head := certutilHead().FindStringSubmatch(text); head != nil {
		ok := b.start(n, certutilFile(text))
		b.awaiting = head[1]
		return ok
	}
	return b.value(n, line)
}

// value reads a line with a key, or the rest of a value.
func (b *blockReader) value(n int, line string) bool {
	k, text := &b.block, strings.TrimSpace(line)
	kv := keyLine().FindStringSubmatch(line)
	switch {
	case kv != nil:
		if len(k.keys) == 0 {
			k.line = n
		}
		k.put(kv[1], strings.TrimSpace(kv[2]))
	case len(k.values) > 0 && strings.HasPrefix(line, "   "): // a value that continues in the next line
		k.values[len(k.values)-1] += text
		k.cut = k.cut || !columnOf(k.keys[len(k.keys)-1], 0).digest
	default:
		return b.fail(n, "%s is not a line of such a list", short(text))
	}
	return true
}

// certutilFile returns the name in the head of certutil.
func certutilFile(head string) string {
	if m := certutilName().FindStringSubmatch(head); m != nil {
		return strings.TrimSpace(m[1])
	}
	all := strings.Fields(strings.TrimSuffix(head, ":"))
	return all[len(all)-1]
}

// entries yields the entries of a block.
func (b *block) entries(yield yielder) bool {
	if b.cut {
		return yield(Entry{}, &LineError{Line: b.line, Err: errCut})
	}
	l := layoutOf(b.keys)
	if !l.good() {
		why := errors.New("it has no digest")
		if len(l.problems) > 0 {
			why = errors.New("it has a digest and no file name")
		}
		name := ""
		if i := slices.IndexFunc(l.columns, func(c column) bool { return c.strong }); i >= 0 {
			name = cleanName(b.values[i])
		}
		return yield(Entry{}, &LineError{Line: b.line, Name: name, Err: why})
	}
	l.idle = nil
	return l.row(b.line, b.values, yield)
}
