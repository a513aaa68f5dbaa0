package stage_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul/internal/stage"
)

// Every cell that is an address is replaced, whatever the others are, and nothing else changes.
func TestRewrite(t *testing.T) {
	local := func(cell string) string { return "/scratch/" + strings.TrimPrefix(cell, "s3://") }
	rapid.Check(t, func(t *rapid.T) {
		comma := rapid.SampledFrom([]rune{',', '\t'}).Draw(t, "comma")
		cell := rapid.OneOf(
			rapid.SampledFrom([]string{"s3://b/k", "s3://b/a b.fq.gz", `s3://b/"q"`, "s3://b/x,y", "sample", "[Data]", "", "x s3://b/k", "S3://b", "two\nlines"}),
			rapid.StringMatching(`[ -~]{0,8}`))
		columns := rapid.IntRange(2, 4).Draw(t, "columns")
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, columns, columns), 1, 5).Draw(t, "rows")
		if comma == '\t' {
			rows = append([][]string{{"sample", "path"}}, rows...)
		}
		text := encode(t, comma, rows)
		if got := stage.Rewrite(text, func(c string) string { return c }); !bytes.Equal(got, text) && !strings.Contains(string(text), `s3://b/"`) {
			t.Fatalf("an address that stays as it is changed the sheet:\n%q\n%q", text, got)
		}
		want := make([][]string, len(rows))
		for i, row := range rows {
			for _, c := range row {
				if trimmed := strings.TrimSpace(c); strings.HasPrefix(trimmed, "s3://") {
					c = strings.Replace(c, trimmed, local(trimmed), 1)
				}
				want[i] = append(want[i], c)
			}
		}
		if got := decode(t, comma, stage.Rewrite(text, local)); !bytes.Equal(encode(t, comma, trim(got)), encode(t, comma, trim(want))) {
			t.Fatalf("of\n%s\ncame %q\nwant %q", text, got, want)
		}
	})
}

// trim takes spaces off addresses, which a cell in quotes loses.
func trim(rows [][]string) [][]string {
	for _, row := range rows {
		for i := range row {
			if t := strings.TrimSpace(row[i]); strings.HasPrefix(t, "/scratch/") {
				row[i] = t
			}
		}
	}
	return rows
}

func encode(t *rapid.T, comma rune, rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = comma
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t *rapid.T, comma rune, text []byte) [][]string {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord = comma, -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return rows
}
