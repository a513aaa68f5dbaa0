package digestlist

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// deepest is how deep objects of JSON may be nested.
const deepest = 64

// jsonForm reads JSON, or JSON Lines: each object at any depth that has a digest and the name of a file is a row. An object
// without one is part of the object around it: {"file_name": …, "hashes": {"md5": …}}.
func jsonForm(r io.Reader, yield yielder) {
	j := &jsonReader{d: json.NewDecoder(r), yield: yield}
	j.d.UseNumber()
	for {
		_, err := j.value("", 0)
		switch {
		case j.ended, errors.Is(err, io.EOF):
			return
		case err != nil:
			yield(Entry{}, fmt.Errorf("read JSON at byte %d: %w", j.d.InputOffset(), err))
			return
		}
	}
}

type jsonReader struct {
	d       *json.Decoder
	yield   yielder
	objects int
	ended   bool
}

var (
	errDeep  = errors.New("it is nested too deep")
	errEnded = errors.New("ended")
)

// value reads one value, and returns the fields that are left of it for the object around it, under their key.
func (j *jsonReader) value(key string, depth int) (*block, error) {
	token, err := j.d.Token()
	if err != nil {
		return nil, err
	}
	if depth > deepest {
		return nil, errDeep
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return j.array(key, depth)
		}
		return j.object(key, depth)
	case nil:
		return &block{}, nil
	case string:
		return &block{keys: []string{key}, values: []string{t}}, nil
	}
	return &block{keys: []string{key}, values: []string{fmt.Sprint(token)}}, nil
}

// array joins plain values, as ENA does in its tables; of several addresses of one file the first counts.
func (j *jsonReader) array(key string, depth int) (*block, error) {
	var plain []string
	all := &block{}
	for j.d.More() {
		b, err := j.value(key, depth+1)
		if err != nil {
			return nil, unexpected(err)
		}
		switch {
		case len(b.keys) == 1 && b.keys[0] == key && key != "":
			plain = append(plain, b.values[0])
		case len(b.keys) > 0 && key != "": // checksums: [{"type": "md5", "checksum": …}]
			all.keys, all.values = append(all.keys, b.keys...), append(all.values, b.values...)
		}
	}
	if _, err := j.d.Token(); err != nil {
		return nil, unexpected(err)
	}
	if c := columnOf(key, 0); len(plain) > 1 && c.strong && hasAny(c.words, words("url uri href access")) {
		plain = plain[:1]
	}
	if len(plain) > 0 {
		all.put(key, strings.Join(plain, ";"))
	}
	return all, nil
}

// unexpected returns the error for an end in the middle.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// object returns its row, if it has one, and else its fields.
func (j *jsonReader) object(key string, depth int) (*block, error) {
	j.objects++
	b := &block{line: j.objects}
	for j.d.More() {
		token, err := j.d.Token()
		if err != nil {
			return nil, unexpected(err)
		}
		name, _ := token.(string)
		inner, err := j.value(name, depth+1)
		if err != nil {
			return nil, unexpected(err)
		}
		b.keys, b.values = append(b.keys, inner.keys...), append(b.values, inner.values...)
	}
	if _, err := j.d.Token(); err != nil {
		return nil, unexpected(err)
	}
	rest, ok := j.row(b, key, depth)
	if !ok {
		j.ended = true
		return nil, errEnded
	}
	return rest, nil
}

// row yields the entries of an object, and returns what is left of it for the object around.
func (j *jsonReader) row(b *block, key string, depth int) (*block, bool) {
	b.typed()
	l := layoutOf(b.keys)
	switch {
	case l.good():
		l.idle, l.problems = nil, nil
		return &block{}, l.row(b.line, b.values, j.yield)
	case !b.hasDigest():
		return &block{}, true
	case b.keysAreFiles(): // {"x.bam": HEX}
		return &block{}, b.each(j.yield)
	case looksLikeFile(key): // {"x.bam": {"md5": …}}
		b.put("file_name", key)
		l := layoutOf(b.keys)
		return &block{}, l.row(b.line, b.values, j.yield)
	case key != "":
		return b.inner(key), true
	}
	return &block{}, j.yield(Entry{}, &LineError{Line: b.line, Err: fmt.Errorf("its object %d has a digest and no file name (%s)", b.line, strings.Join(b.keys, ", "))})
}

// typed names a digest by the algorithm beside it, as in GA4GH: {"type": "md5", "checksum": HEX}.
func (b *block) typed() {
	if len(b.keys) != 2 {
		return
	}
	for i, k := range b.keys {
		if a := algorithmOf(b.values[1-i]); columnOf(k, 0).digest && a != "" && isDigest(b.values[i]) {
			b.keys, b.values = []string{strings.ToLower(string(a))}, []string{b.values[i]}
			return
		}
	}
}

func (b *block) hasDigest() bool {
	for i, k := range b.keys {
		if c := columnOf(k, 0); !c.id && !absent(b.values[i]) && (c.digest || isDigest(b.values[i])) {
			return true
		}
	}
	return false
}

// inner returns the digests for the object around, which has a name.
func (b *block) inner(key string) *block {
	out := &block{}
	for i, k := range b.keys {
		switch c := columnOf(k, 0); {
		case c.digest:
			out.put(k, b.values[i])
		case !c.id && isDigest(b.values[i]):
			out.put(key+"_"+k, b.values[i])
		}
	}
	return out
}

// keysAreFiles reports an object that maps names of files to digests.
func (b *block) keysAreFiles() bool {
	return !slices.ContainsFunc(b.keys, func(k string) bool { return !looksLikeFile(k) })
}

// each yields the entries of such an object.
func (b *block) each(yield yielder) bool {
	for i, k := range b.keys {
		e := Entry{Line: b.line, Size: -1}
		var err error
		if s, bad := parseDigest(b.values[i], ""); bad != nil {
			err = &LineError{Line: b.line, Name: cleanName(k), Err: bad}
		} else {
			err = e.add(s)
		}
		if !yield(e.of(k, false), err) {
			return false
		}
	}
	return true
}
