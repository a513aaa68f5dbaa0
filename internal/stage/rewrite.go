package stage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// rewriteSheet replaces every address in a sample sheet, and leaves the rest as it is, byte for byte. The sheet is JSON, CSV or TSV;
// ext is the extension of its name. A sheet without addresses is an error.
func rewriteSheet(ext string, text []byte, path func(string) string) ([]byte, error) {
	n := 0
	counted := func(address string) string {
		n++
		return path(address)
	}
	var out []byte
	switch ext = strings.ToLower(ext); {
	case ext == ".yaml" || ext == ".yml":
		return nil, invalid("it is YAML, and only CSV, TSV and JSON can be read: save it as one of these")
	case isJSON(ext, text):
		if err := checkJSON(text); err != nil {
			return nil, invalid("it is not valid JSON: %v", err)
		}
		out = rewriteJSON(text, counted)
	default:
		out = rewrite(text, counted)
	}
	switch {
	case n > 0:
		return out, nil
	case bytes.Contains(text, []byte(address)):
		return nil, invalid("it names nothing to fetch: s3:// stands in it only within other text, and a whole cell of CSV or TSV, or string of JSON, must be s3://BUCKET/KEY")
	}
	return nil, invalid("it names nothing to fetch: no cell of it is s3://BUCKET/KEY (a sheet that is to come as it is wants --in)")
}

// isJSON reports a sheet that is JSON. Illumina's sheets start with a bracket, too.
func isJSON(ext string, text []byte) bool {
	text = bytes.TrimSpace(withoutBOM(text))
	return ext == ".json" || ext == ".jsonl" || bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) && checkJSON(text) == nil
}

func withoutBOM(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }

// checkJSON reads all values of a text; there may be one per line.
func checkJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(withoutBOM(text)))
	for {
		var value json.RawMessage
		if err := d.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// rewriteJSON replaces every string that is an address in valid JSON.
func rewriteJSON(text []byte, path func(string) string) []byte {
	var out bytes.Buffer
	for len(text) > 0 {
		begin := bytes.IndexByte(text, '"')
		if begin < 0 {
			break
		}
		end := begin + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		out.Write(text[:begin])
		out.Write(rewriteString(text[begin:end], path))
		text = text[end:]
	}
	out.Write(text)
	return out.Bytes()
}

// rewriteString replaces a string of JSON, in its quotes, that is an address.
func rewriteString(word []byte, path func(string) string) []byte {
	var s string
	if err := json.Unmarshal(word, &s); err != nil || !strings.HasPrefix(strings.TrimSpace(s), address) {
		return word
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(path(strings.TrimSpace(s))); err != nil {
		return word
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// rewrite replaces every cell of a sheet that is an address, and leaves the rest as it is, byte for byte. Cells are separated by tabs
// if the text up to the first address has one, else by commas; a cell in double quotes may have both, line ends, and "" for a quote
// (RFC 4180). Sections, as in Illumina's sheets, are rows like others.
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

// cellEnd returns the offset of the comma or line end after the first cell.
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
