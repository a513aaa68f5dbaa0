package proof

import (
	"html/template"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"haul/internal/amount"
)

// receiptPage is a receipt for people: one file, without scripts, images or anything from elsewhere.
var receiptPage = template.Must(template.New("receipt").Funcs(template.FuncMap{
	"bytes": amount.Bytes,
	"stamp": stamp,
	"names": func(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) },
}).Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Receipt: {{.Count}} {{if eq .Count 1}}file{{else}}files{{end}}, {{bytes .Bytes}}</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #1b1f24; background: #fff; margin: 2.5rem auto; max-width: 72rem; padding: 0 1.5rem }
h1 { font-size: 1.6rem; margin: 0 0 .3rem }
p { margin: .2rem 0 }
.ok { color: #116329; font-weight: 600 } .no { color: #9a3412; font-weight: 600 }
table { border-collapse: collapse; width: 100%; margin-top: 1.5rem }
th { text-align: left; font-weight: 600; border-bottom: 2px solid #1b1f24; padding: .4rem .8rem .4rem 0 }
td { vertical-align: top; border-bottom: 1px solid #d0d7de; padding: .5rem .8rem .5rem 0; overflow-wrap: anywhere }
.n { text-align: right; white-space: nowrap }
code { font: 13px/1.5 ui-monospace, monospace } .dim { color: #57606a; font-size: 13px }
@media print { body { margin: 0; max-width: none; font-size: 11px } tr { break-inside: avoid } }
</style>
</head>
<body>
<h1>Receipt</h1>
<p>{{.Count}} {{if eq .Count 1}}file{{else}}files{{end}}, {{bytes .Bytes}} ({{.Bytes}} bytes){{with .From}}, {{stamp .}}{{end}}{{if ne (stamp .From) (stamp .To)}} to {{stamp .To}}{{end}}</p>
<p>{{if .Unproved}}<span class="no">{{.Unproved}} not proved</span>, the others are: the store confirmed their checksums.{{else}}<span class="ok">All proved</span>: of each file, both ends agree on a checksum.{{end}}</p>
<table>
<thead><tr><th>From, to</th><th class="n">Size</th><th>Digests</th><th>How it is proved</th></tr></thead>
<tbody>
{{range .Records}}<tr>
<td>{{.Source}}<br><span class="dim">{{.Verb}} to {{.Target}}{{with .Object.Version}}, version {{.}}{{end}}</span></td>
<td class="n">{{bytes .Size}}<br><span class="dim">{{.Size}}</span></td>
<td>{{$d := .Digests}}{{range names $d}}<code>{{.}} {{index $d .}}</code><br>{{end}}<span class="dim">{{with .Sum.String}}<code>{{.}}</code>{{end}}{{with .PartSize}} parts of {{bytes .}}{{end}}</span></td>
<td>{{if .Proved}}<span class="ok">proved</span>{{else}}<span class="no">not proved</span>{{end}}: {{.Proof}}<br><span class="dim">{{stamp .Time}}{{with .ETag}}, ETag {{.}}{{end}}</span></td>
</tr>
{{end}}</tbody>
</table>
</body>
</html>
`))

// WriteHTML writes a receipt as a page for people, which needs no other file.
func WriteHTML(w io.Writer, receipt iter.Seq2[Record, error]) error {
	var data struct {
		Records         []Record
		Count, Unproved int
		Bytes           int64
		From, To        time.Time
	}
	for r, err := range receipt {
		if err != nil {
			return err
		}
		r.Parts = nil // thousands, and not shown
		data.Records = append(data.Records, r)
		data.Bytes += r.Size
		if !r.Proved {
			data.Unproved++
		}
		if data.From.IsZero() || r.Time.Before(data.From) {
			data.From = r.Time
		}
		if r.Time.After(data.To) {
			data.To = r.Time
		}
	}
	data.Count = len(data.Records)
	return receiptPage.Execute(w, data)
}
