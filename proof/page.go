package proof

import (
	"html/template"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"haul.example/haul/internal/amount"
)

// receiptPage is a receipt for people: one file without scripts, images or anything from elsewhere.
var receiptPage = template.Must(template.New("receipt").Funcs(template.FuncMap{
	"bytes": amount.Bytes,
	"cell":  Cell,
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
<p>{{if .Failed}}<span class="no">{{.Failed}} not transferred.</span> {{end}}{{if .Unproved}}<span class="no">{{.Unproved}} not verified</span>, the others are: the store confirmed their checksums.{{else if .Proved}}<span class="ok">Everything that was transferred is verified</span>: of each file, both ends agree on a checksum.{{end}}</p>
<p>{{if .Run}}<span class="{{if .Whole}}ok{{else}}no{{end}}">It covers {{.Run}} of its last run.</span>{{else}}<span class="no">It does not say whether the run that wrote it came to its end: files may be missing here.</span>{{end}}</p>
<table>
<thead><tr><th>From, to</th><th class="n">Size</th><th>Digests</th><th>How it was verified</th></tr></thead>
<tbody>
{{range .Records}}<tr>
<td>{{cell .Source}}<br><span class="dim">{{.Verb}} to {{.Target}}{{with .Object.Version}}, version {{.}}{{end}}</span></td>
<td class="n">{{bytes .Size}}<br><span class="dim">{{.Size}}</span></td>
<td>{{$d := .Digests}}{{range names $d}}<code>{{.}} {{index $d .}}</code><br>{{end}}<span class="dim">{{with .Sum.String}}<code>{{.}}</code>{{end}}{{with .PartSize}} parts of {{bytes .}}{{end}}</span></td>
<td>{{if .Failed}}<span class="no">not transferred</span>: {{.Failed}}{{else}}{{if .Proved}}<span class="ok">verified</span>{{else}}<span class="no">not verified</span>{{end}}: {{.Proof}}{{end}}<br><span class="dim">{{stamp .Time}}{{with .ETag}}, ETag {{.}}{{end}}</span></td>
</tr>
{{end}}</tbody>
</table>
</body>
</html>
`))

// WriteHTML writes a receipt as a page for people, which needs no other file. Of several records of one file, it shows the
// last. It also shows how much of the last run the receipt covers.
func WriteHTML(w io.Writer, receipt iter.Seq2[Record, error]) error {
	var data struct {
		Records                         []Record
		Count, Unproved, Failed, Proved int
		Bytes                           int64
		From, To                        time.Time
		Run                             string // the coverage in the last run's line; empty if it wrote none
		Whole                           bool
	}
	at := map[string]int{}
	for r, err := range receipt {
		if err != nil {
			return err
		}
		if r.Verb == RunVerb {
			data.Run, data.Whole = r.Coverage(), r.Complete && r.Covered == r.Files
			continue
		}
		data.Run = ""
		r.Parts = nil // thousands, and not shown
		if i, ok := at[r.Source+"\x00"+r.Target]; ok {
			data.Records[i] = r
			continue
		}
		at[r.Source+"\x00"+r.Target] = len(data.Records)
		data.Records = append(data.Records, r)
	}
	for _, r := range data.Records {
		data.Bytes += r.Size
		switch {
		case r.Failed != "":
			data.Failed++
		case r.Proved:
			data.Proved++
		default:
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
