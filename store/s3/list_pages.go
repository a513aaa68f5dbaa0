package s3

import (
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"

	"haul.example/haul/store"
)

const (
	// maxEmpty is how many pages without an entry may follow each other. S3 returns some if much was deleted.
	maxEmpty = 1000
	// maxPart is the highest number of a part (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
	maxPart = 10_000
)

// turns follow a listing from page to page and check that it makes progress: no page comes twice, whatever lies between.
// They keep a few bytes of each page.
type turns struct {
	seed  maphash.Seed
	seen  map[uint64]bool
	empty int // pages since the last that had an entry
}

func newTurns() *turns { return &turns{seed: maphash.MakeSeed(), seen: map[uint64]bool{}} }

// page records a page by its first entry, which is empty if the page is, and by what asks for the page after it, empty
// after the last. It returns in words what is wrong with the page.
func (t *turns) page(first, next string) string {
	t.empty++
	if first != "" {
		t.empty = 0
	}
	switch {
	case first != "" && !t.isNew("first "+first):
		return fmt.Sprintf("the page that begins with %q came again", first)
	case next != "" && !t.isNew("next "+next):
		return "a page came again"
	case t.empty > maxEmpty:
		return fmt.Sprintf("%d pages without an entry came", t.empty)
	}
	return ""
}

func (t *turns) isNew(s string) bool {
	h := maphash.String(t.seed, s)
	was := t.seen[h]
	t.seen[h] = true
	return !was
}

// repeats reports whether an answer repeats the parameter that it answers, if it has it at all. Servers repeat it encoded
// or plain.
func repeats(got, asked *string, decode func(string) string) bool {
	s, want := aws.ToString(got), visible(aws.ToString(asked))
	return s == "" || visible(plainText(s)) == want || visible(decode(s)) == want
}

// visible replaces what XML cannot hold, as servers in Go do.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if !inXMLChar(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// wrong returns the Error of an answer that has its operation's form and cannot be the one that was asked for.
func (c *call) wrong(hint, what string) error {
	return &store.Error{Kind: store.BadAnswer, Op: c.op, Ref: c.ref, Hint: hint, Err: errors.New(what)}
}

// isKey reports whether an answer that names a key, or none, is about this one. Some servers leave out a slash that it
// begins with.
func isKey(got, key string) bool {
	bare := strings.TrimLeft(key, "/")
	return repeats(&got, &key, decoder("url")) || repeats(&got, &bare, decoder("url"))
}
