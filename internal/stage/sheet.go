package stage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"haul"
	"haul/mirror"
	"haul/store"
)

const address = "s3://"

// sheet reads a sample sheet, and gives it with its paths, and all that it names.
func (r *run) sheet(ctx context.Context, in Input) (string, []*item, error) {
	place := in.place()
	text, err := r.readSheet(ctx, in.Source)
	if err != nil {
		return place, nil, fmt.Errorf("sample sheet %s: %w", in.Source, err)
	}
	var named []Input
	var first error
	rewritten := rewrite(text, func(cell string) string {
		ref, err := r.Address(cell)
		if err != nil {
			first = cmpErr(first, err)
			return cell
		}
		one := Input{Source: mirror.Remote(ref), Folder: ref.Key == "" || strings.HasSuffix(ref.Key, "/"), Dest: path.Join(sheetFolder, ref.Bucket, ref.Key)}
		if one.Dest != strings.TrimSuffix(path.Join(sheetFolder, ref.Bucket)+"/"+ref.Key, "/") {
			first = cmpErr(first, invalid("%s can be no file here", cell))
		}
		named = append(named, one)
		return filepath.Join(r.folder.work(), filepath.FromSlash(one.Dest))
	})
	if first != nil {
		return place, nil, fmt.Errorf("sample sheet %s: %w", in.Source, first)
	}
	sheet := &item{source: in.Source.String(), rel: place, content: rewritten, state: hash(text)}
	all := make([][]*item, len(named))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for i, one := range named {
		g.Go(func() (err error) {
			if _, all[i], err = r.look(gctx, one); err != nil {
				err = fmt.Errorf("sample sheet %s: %w", in.Source, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return place, nil, err
	}
	items := []*item{sheet}
	for _, some := range all {
		items = append(items, some...)
	}
	return place, items, nil
}

func cmpErr(first, next error) error {
	if first != nil {
		return first
	}
	return next
}

func (r *run) readSheet(ctx context.Context, from mirror.End) ([]byte, error) {
	if from.Path == "" {
		return readObject(ctx, r.c, from.Ref, &r.Transfer.Attrs)
	}
	f, err := os.Open(from.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from
	var text bounded
	_, err = io.Copy(&text, f)
	return text.Bytes(), err
}

// readObject reads a small object into memory.
func readObject(ctx context.Context, c *haul.Client, ref store.Ref, a *store.Attrs) ([]byte, error) {
	var text bounded
	_, err := c.DownloadStream(ctx, ref, &text, haul.Transfer{Attrs: store.Attrs{RequestPayer: a.RequestPayer}})
	return text.Bytes(), err
}

// bounded is a buffer that takes no more than a sample sheet may have.
type bounded struct{ bytes.Buffer }

// Write writes, unless it would be too much.
func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxSheet {
		return 0, invalid("it has more than %d bytes", maxSheet)
	}
	return b.Buffer.Write(p)
}

// rewrite replaces every cell of a sheet that is an address, and leaves all else as it is, byte for byte. Cells are parted by tabs
// where the text up to the first address has one, else by commas; a cell in double quotes may have both, line ends, and "" for a quote
// (RFC 4180). Sections, as Illumina has them, are rows like others.
func rewrite(text []byte, path func(string) string) []byte {
	comma := byte(',')
	if head, _, found := bytes.Cut(text, []byte(address)); found && bytes.IndexByte(head, '\t') >= 0 {
		comma = '\t'
	}
	var out bytes.Buffer
	for at := 0; at < len(text); {
		end := cellEnd(text[at:], comma) + at
		out.WriteString(rewriteCell(string(text[at:end]), comma, path))
		if end < len(text) {
			out.WriteByte(text[end])
		}
		at = end + 1
	}
	return out.Bytes()
}

// cellEnd gives the offset of the comma or line end after the first cell.
func cellEnd(text []byte, comma byte) int {
	i := 0
	for i < len(text) && text[i] == ' ' {
		i++
	}
	if i < len(text) && text[i] == '"' {
		for i++; i < len(text); i++ {
			if text[i] != '"' {
				continue
			}
			if i+1 < len(text) && text[i+1] == '"' {
				i++
				continue
			}
			break
		}
	}
	for i < len(text) && text[i] != comma && text[i] != '\n' {
		i++
	}
	return i
}

func rewriteCell(cell string, comma byte, path func(string) string) string {
	word := strings.Trim(cell, " \r")
	before, after, _ := strings.Cut(cell, word)
	quoted := len(word) >= 2 && word[0] == '"' && word[len(word)-1] == '"'
	if quoted {
		word = strings.ReplaceAll(word[1:len(word)-1], `""`, `"`)
	}
	if word = strings.TrimSpace(word); !strings.HasPrefix(word, address) {
		return cell
	}
	word = path(word)
	if quoted || strings.ContainsAny(word, "\"\n"+string(comma)) {
		word = `"` + strings.ReplaceAll(word, `"`, `""`) + `"`
	}
	return before + word + after
}
