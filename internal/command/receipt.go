package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"haul.example/haul/internal/localfile"
	"haul.example/haul/proof"
)

// writeWhole writes a file that appears as a whole, or not at all.
func writeWhole(name string, content []byte) error {
	t, err := localfile.Create(name, int64(len(content)))
	if err != nil {
		return err
	}
	if _, err := t.WriteAt(content, 0); err != nil {
		return errors.Join(err, t.Discard())
	}
	if err := t.Commit(time.Time{}, true); err != nil {
		return errors.Join(err, t.Discard())
	}
	return nil
}

// ReceiptFormats are the formats that a receipt can be converted to.
var ReceiptFormats = map[string]func(io.Writer, iter.Seq2[proof.Record, error]) error{
	"md5sum": proof.WriteMD5Sum, "sums": proof.WriteSums, "csv": proof.WriteCSV, "html": proof.WriteHTML,
}

// Receipt converts the receipt in the file name ("-" is standard input) to one of ReceiptFormats, and prints it, or writes it to the
// file out. An existing file is not overwritten.
func (s *Session) Receipt(format, name, out string) error {
	if fi, err := os.Stat(out); out != "" && err == nil && fi.Mode().IsRegular() && fi.Size() > 0 {
		return fmt.Errorf("%s already exists; remove it, or choose another name: %w", out, fs.ErrExist)
	}
	in := s.System.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return &MissingError{"no such file: " + name}
		}
		if err != nil {
			return err
		}
		defer f.Close() // only read from
		in = f
	}
	named := func(w io.Writer) error {
		if err := ReceiptFormats[format](w, proof.ReadReceipt(in)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	if out == "" {
		return s.Screen().Page(named)
	}
	var page bytes.Buffer
	if err := named(&page); err != nil {
		return err
	}
	return writeWhole(out, page.Bytes())
}
