package seqfile

import (
	"bytes"
	"errors"
	"io"
)

// MaxRead is the most that Check reads of one file, in bytes; mostly it is firstRead and lastRead.
const MaxRead = 256 << 10

const (
	firstRead = 16 << 10
	lastRead  = 64
	// mostHead is how far from the beginning is read, if a header is so long; mostText is how much of it is inflated.
	mostHead = MaxRead - lastRead
	mostText = 4 << 20
)

// errEnough says that a header continues where reading ends.
var errEnough = errors.New("the header is longer than what is read of it")

// window is the beginning and the end of a file, read as they are needed and once only.
type window struct {
	r    io.ReaderAt
	size int64
	head []byte
	end  []byte
	err  error // of reading; nothing may be concluded then
}

// upTo reads the beginning as far as n bytes, or if that is less, to the end of the file or to mostHead.
func (w *window) upTo(n int) []byte {
	n = int(min(int64(n), w.size, mostHead))
	if n <= len(w.head) || w.err != nil {
		return w.head
	}
	grown := min(max(n, firstRead, 2*len(w.head)), mostHead)
	if w.size <= int64(grown) || w.size <= firstRead+lastRead {
		grown = int(min(w.size, mostHead))
	}
	buf := append(make([]byte, 0, grown), w.head...)[:grown]
	if err := w.fill(buf[len(w.head):], int64(len(w.head))); err != nil {
		return w.head
	}
	w.head = buf
	return w.head
}

// tail returns the last n bytes, at most lastRead.
func (w *window) tail(n int) []byte {
	n = int(min(int64(n), w.size))
	head := w.upTo(1)
	if int64(len(head)) == w.size {
		return head[len(head)-n:]
	}
	if w.end == nil && w.err == nil {
		buf := make([]byte, min(lastRead, w.size))
		if w.fill(buf, w.size-int64(len(buf))) == nil {
			w.end = buf
		}
	}
	return w.end[max(0, len(w.end)-n):]
}

// last returns up to n bytes of the end, for the rare case that lastRead bytes are not enough.
func (w *window) last(n int) []byte {
	if w.err != nil {
		return nil
	}
	buf := make([]byte, min(int64(n), w.size, MaxRead-int64(len(w.head)+len(w.end))))
	if w.fill(buf, w.size-int64(len(buf))) != nil {
		return nil
	}
	return buf
}

func (w *window) fill(p []byte, off int64) error {
	n, err := w.r.ReadAt(p, off)
	if n < len(p) && err == nil {
		err = io.ErrNoProgress
	}
	if n == len(p) {
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // it is shorter than it was said to be
	}
	w.err = err
	return err
}

// from returns a reader of the bytes from off on; it ends in errEnough if the window ends before the file.
func (w *window) from(off int) *front { return &front{w, off} }

// front reads the beginning of a file in order.
type front struct {
	w   *window
	off int
}

// Read returns what comes next.
func (f *front) Read(p []byte) (int, error) {
	head := f.w.upTo(f.off + 1)
	if f.w.err != nil {
		return 0, f.w.err
	}
	if f.off >= len(head) {
		if int64(f.off) >= f.w.size {
			return 0, io.EOF
		}
		return 0, errEnough
	}
	n := copy(p, head[f.off:])
	f.off += n
	return n, nil
}

// ReadByte makes gzip read no further than it must.
func (f *front) ReadByte() (byte, error) {
	var b [1]byte
	_, err := f.Read(b[:])
	return b[0], err
}

const somethingElse = "its first bytes are unknown"

// looksLike returns what the beginning of a file looks like, in words.
func looksLike(head []byte) string {
	switch {
	case len(head) == 0:
		return "it is empty"
	case bytes.HasPrefix(head, []byte("CRAM")):
		return "it looks like CRAM"
	case isBGZF(head):
		return "it looks like BGZF"
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "it looks like plain gzip"
	case len(bytes.Trim(head, "\x00")) == 0:
		return "it starts with zeros"
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")):
		return "it looks like a page of HTML or XML"
	case bytes.HasPrefix(head, []byte("BZh")), bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), bytes.HasPrefix(head, []byte("PK")), bytes.HasPrefix(head, []byte("\xfd7zXZ")):
		return "it looks like another kind of archive"
	}
	for _, c := range head[:min(len(head), 64)] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return somethingElse
		}
	}
	return "it looks like plain text"
}
