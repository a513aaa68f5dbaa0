package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul"
	"haul/proof"
)

// receipts writes the lines of a receipt, each with one write as its object is done, so that a killed run leaves those of all
// that was finished. A nil receipts writes nothing.
type receipts struct {
	identity string
	f        *os.File
	regular  bool
	fresh    bool // there was nothing in it

	mu    sync.Mutex
	wrote bool
	err   error // the first
}

// openReceipt opens a new file, or goes on with a receipt: the lines of a run that is typed again come behind the earlier ones. No
// name gives nil.
func (a *app) openReceipt(name, identity string) (*receipts, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("open the receipt: %w", err)
	}
	r := &receipts{identity: identity, f: f}
	cut, err := r.prepare()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if cut > 0 {
		a.screen(false).Note(fmt.Sprintf("the last line of %s was not whole, and is taken off", name))
	}
	return r, nil
}

// prepare refuses a file that is something else, and takes off the end of a line whose writing was broken off.
func (r *receipts) prepare() (cut int64, err error) {
	fi, err := r.f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		return 0, err
	}
	r.regular = true
	if r.fresh = fi.Size() == 0; r.fresh {
		return 0, nil
	}
	end, err := endOfLines(r.f, fi.Size())
	if err != nil {
		return 0, err
	}
	for _, err := range proof.ReadReceipt(io.NewSectionReader(r.f, 0, end)) {
		if err != nil {
			return 0, usagef("%s is there already, and is no receipt: %v; name another file", r.f.Name(), err)
		}
		break
	}
	if end == 0 && !begins(r.f, `{"haul_receipt":`) {
		return 0, usagef("%s is there already, and is no receipt; name another file", r.f.Name())
	}
	if cut = fi.Size() - end; cut > 0 {
		err = r.f.Truncate(end)
	}
	return cut, err
}

// begins tells whether a file begins with text, as far as it goes.
func begins(f io.ReaderAt, text string) bool {
	buf := make([]byte, len(text))
	n, _ := f.ReadAt(buf, 0) // what cannot be read does not
	return n > 0 && string(buf[:n]) == text[:n]
}

// endOfLines finds where the last whole line ends.
func endOfLines(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(int64(len(buf)), size)
		if _, err := f.ReadAt(buf[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}

// add writes the line of a transfer that ended well. After an error it writes nothing more, and gives it again.
func (r *receipts) add(verb, source, target string, result haul.Result) error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		if err := proof.NewRecord(verb, source, target, r.identity, result).Write(r.f); err != nil {
			r.err = fmt.Errorf("%s is transferred, but the receipt cannot be written: %w", source, err)
		}
		r.wrote = true
	}
	return r.err
}

// close brings the receipt to disk. One with no line in it goes away.
func (r *receipts) close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	if r.wrote && r.regular {
		err = r.f.Sync()
	}
	err = errors.Join(err, r.f.Close())
	if !r.wrote && r.fresh {
		err = errors.Join(err, os.Remove(r.f.Name()))
	}
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("write the receipt: %w", err)
	}
	return r.err
}

const receiptLong = `haul receipt writes a receipt, made by --receipt of cp, mv, sync and apply, in another form to standard output:

  haul receipt md5sum R    lines that md5sum -c reads; paths are as they were typed, so run it in the same folder
  haul receipt csv R       a table with a line of names at its head
  haul receipt html R      a page for people, which needs no other file

R is a file, or - for standard input. A receipt is one JSON object a line, so that receipts can be joined with cat, and asked
with jq. md5sum needs the md5 of each file: transfer with --digest md5. Where a file is named twice, its last line counts there. A file
that is there already is not overwritten (exit code 5).`

// receiptForms are what a receipt can be written as.
var receiptForms = map[string]func(io.Writer, iter.Seq2[proof.Record, error]) error{
	"md5sum": proof.WriteMD5Sum, "csv": proof.WriteCSV, "html": proof.WriteHTML,
}

func (a *app) receipt() *cobra.Command {
	var out string
	fl := pflag.NewFlagSet("Receipt", pflag.ContinueOnError)
	fl.StringVarP(&out, "output", "o", "", "write to `FILE` in place of standard output")
	cmd := &cobra.Command{
		Use:     "receipt [flags] md5sum|csv|html RECEIPT",
		Short:   "Write a receipt as lines for md5sum, as a table, or as a page",
		Long:    receiptLong,
		Example: "  haul cp -r --digest md5 --receipt run42.jsonl run42 s3://lab/runs/42\n  haul receipt md5sum run42.jsonl | md5sum -c\n  haul receipt html run42.jsonl -o run42.html",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("receipt needs a form (md5sum, csv or html) and a RECEIPT")
			}
			if receiptForms[args[0]] == nil {
				return usagef("%q is none of md5sum, csv, html", args[0])
			}
			return nil
		},
	}
	a.command(cmd, []*pflag.FlagSet{fl}, func(ctx context.Context, args []string) error {
		return a.runReceipt(ctx, args[1], out, receiptForms[args[0]])
	})
	return cmd
}

// runReceipt writes it. A file is there as a whole, or not at all.
func (a *app) runReceipt(_ context.Context, name, out string, write func(io.Writer, iter.Seq2[proof.Record, error]) error) error {
	if fi, err := os.Stat(out); out != "" && err == nil && fi.Mode().IsRegular() && fi.Size() > 0 {
		return fmt.Errorf("%s is there already, and would be lost: remove it, or choose another name: %w", out, fs.ErrExist)
	}
	in := a.sys.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return &missingError{"no such file: " + name}
		}
		if err != nil {
			return err
		}
		defer f.Close() // only read from
		in = f
	}
	named := func(w io.Writer) error {
		if err := write(w, proof.ReadReceipt(in)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	if out == "" {
		return a.screen(false).Page(named)
	}
	var page bytes.Buffer
	if err := named(&page); err != nil {
		return err
	}
	return writeWhole(out, page.Bytes())
}
