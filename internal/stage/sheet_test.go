package stage_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"haul.example/haul/internal/stage"
	"haul.example/haul/store"
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

// Every string of JSON that is an address is replaced, however deep it stands, and nothing else changes.
func TestRewriteJSON(t *testing.T) {
	local := func(cell string) string { return "/scratch/" + strings.TrimPrefix(cell, "s3://") }
	words := []string{"s3://b/k", "s3://b/a b.fq.gz", `s3://b/"q"`, "s3://b/ä\n<&>", "sample", "", "x s3://b/k", `\`, `"s3://b/k`}
	var value func(t *rapid.T, depth int) (any, any, int)
	value = func(t *rapid.T, depth int) (before, after any, n int) {
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			a, b := []any{}, []any{}
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				x, y, m := value(t, depth-1)
				a, b, n = append(a, x), append(b, y), n+m
			}
			return a, b, n
		case kind == 1 && depth > 0:
			a, b := map[string]any{}, map[string]any{}
			for i := range rapid.IntRange(0, 3).Draw(t, "fields") {
				x, y, m := value(t, depth-1)
				key := "fastq_" + strings.Repeat("1", i)
				a[key], b[key], n = x, y, n+m
			}
			return a, b, n
		case kind == 2:
			return 12.5, 12.5, 0
		}
		s := rapid.SampledFrom(words).Draw(t, "word")
		if strings.HasPrefix(s, "s3://") {
			return s, local(s), 1
		}
		return s, s, 0
	}
	rapid.Check(t, func(t *rapid.T) {
		before, after, n := value(t, 3)
		text, err := json.MarshalIndent(before, "", rapid.SampledFrom([]string{"", "  "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := stage.RewriteSheet(".json", text, local)
		if n == 0 {
			if !errors.Is(err, store.Invalid) {
				t.Fatalf("%s names nothing, and the error is %v", text, err)
			}
			return
		}
		var now any
		if err := errors.Join(err, json.Unmarshal(got, &now)); err != nil || !reflect.DeepEqual(now, after) {
			t.Fatalf("of\n%s\ncame\n%s\n%v", text, got, err)
		}
		if same, err := stage.RewriteSheet(".json", got, local); err == nil {
			t.Fatalf("%s has no address left, and %s came of it", got, same)
		}
	})
}

// A sheet is read in the form that it has, and one that names nothing, or cannot be read, is refused in one line.
func TestSheetForms(t *testing.T) {
	for _, c := range []struct{ ext, text, want string }{
		{".csv", "sample,fastq\na,s3://b/k\n", "sample,fastq\na,/k\n"},
		{".csv", "[Header],,\n[Data],,\na,s3://b/k,\n", "[Header],,\n[Data],,\na,/k,\n"},
		{".tsv", "sample\tfastq\na\ts3://b/k\n", "sample\tfastq\na\t/k\n"},
		{".json", `[{"sample":"a","fastq_1":"s3://b/k","fastq_2":null}]`, `[{"sample":"a","fastq_1":"/k","fastq_2":null}]`},
		{"", "\ufeff" + `{"a": ["s3:\/\/b\/k"]}`, "\ufeff" + `{"a": ["/k"]}`},
		{".txt", `[ "s3://b/k" ]`, `[ "/k" ]`},
		{".jsonl", "{\"a\":\"s3://b/k\"}\n{\"a\":\"s3://b/k\"}\n", "{\"a\":\"/k\"}\n{\"a\":\"/k\"}\n"},
		{".JSON", `{"a":"x"}`, "!it names nothing to fetch: no cell"},
		{".json", `{"a":"s3://b/k"`, "!it is not valid JSON: unexpected EOF"},
		{".json", "sample,s3://b/k\n", "!it is not valid JSON: invalid character"},
		{"", `{"a":"s3://b/k",}`, "!it is not valid JSON: invalid character"},
		{".yml", "- a: s3://b/k\n", "!it is YAML, and only"},
		{".csv", "a: s3://b/k\n", "!it names nothing to fetch: s3:// stands in it only within other text"},
		{".csv", "sample;s3://b/k\n", "!it names nothing to fetch: s3:// stands in it only within other text"},
		{".csv", "sample,/data/k\n", "!it names nothing to fetch: no cell"},
		{".csv", "", "!it names nothing to fetch: no cell"},
		{".csv", "s\x003\x00:\x00/\x00/\x00b\x00/\x00k\x00", "!it names nothing to fetch: no cell"},
	} {
		got, err := stage.RewriteSheet(c.ext, []byte(c.text), func(string) string { return "/k" })
		if want, refused := strings.CutPrefix(c.want, "!"); refused {
			if !errors.Is(err, store.Invalid) || !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%s %q: %v, want %s", c.ext, c.text, err, want)
			}
		} else if err != nil || string(got) != want {
			t.Errorf("%s %q: %q, %v", c.ext, c.text, got, err)
		}
	}
}

func FuzzSheet(f *testing.F) {
	for _, text := range []string{"a,s3://b/k\n", "a\t\"s3://b/\"\"k\"\n", `[{"a":"s3://b/k"}]`, `{"a":"\u0073"}`, `["`, `{"a":"\`} {
		f.Add("", []byte(text))
		f.Add(".json", []byte(text))
	}
	f.Fuzz(func(t *testing.T, ext string, text []byte) {
		n := 0
		got, err := stage.RewriteSheet(ext, text, func(s string) string {
			if n++; !strings.HasPrefix(s, "s3://") {
				t.Errorf("%q is no address", s)
			}
			return s
		})
		if (err == nil) != (n > 0) {
			t.Errorf("%q has %d addresses: %v", text, n, err)
		}
		if err == nil && !utf8.Valid(got) && utf8.Valid(text) {
			t.Errorf("of %q came %q", text, got)
		}
	})
}
