package ui

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
	"haul.example/haul/proof"
)

// Sums are what haul sum found out about one file, stream or object.
type Sums struct {
	Name string
	proof.Digests
	// Store lists the checksums that the store recorded for an object.
	Store []StoreSum
}

// StoreSum is one sum that a store keeps of an object.
type StoreSum struct {
	// What is the algorithm, or etag.
	What string
	Sum  checksum.Sum
	// Agrees reports whether it matches the bytes; it has no meaning if Why is not empty.
	Agrees bool
	Why    string
}

// Sums writes them in hex and in Base64, in columns, so that they are easy to compare with the output of other tools.
func (s *Screen) Sums(x Sums) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		s.json(sumsRecord(x))
		return
	}
	s.line(s.out, fmt.Sprintf("%s  %s", Printable(x.Name), sizeText(x.Size)))
	columns := 0
	for _, sum := range slices.Concat(x.Full, x.Composite) {
		columns = max(columns, len(sum.Hex()))
	}
	for _, sum := range x.Full {
		s.line(s.out, sumLine(strings.ToLower(string(sum.Algorithm)), sum, columns))
	}
	if x.PartSize > 0 {
		s.line(s.out, fmt.Sprintf("  uploaded in parts of %s (%d B), it has", amount.Bytes(x.PartSize), x.PartSize))
	}
	for _, sum := range x.Composite {
		name := strings.ToLower(string(sum.Algorithm))
		if sum.Algorithm == checksum.MD5 {
			name = "etag"
		}
		s.line(s.out, sumLine(name, sum, columns))
	}
	for _, v := range x.Store {
		text := v.Sum.Base64()
		if v.What == "etag" || v.Sum.Algorithm == checksum.MD5 {
			text = v.Sum.Hex()
		}
		s.line(s.out, fmt.Sprintf("  the server has %s %s: %s", v.What, Printable(text), v.word()))
	}
}

// sumLine has both spellings, hex in so many columns.
func sumLine(name string, sum checksum.Sum, columns int) string {
	return fmt.Sprintf("  %-10s %-*s  %s", name, columns, sum.Hex(), sum.Base64())
}

func (v StoreSum) word() string {
	switch {
	case v.Why != "":
		return v.Why
	case v.Agrees:
		return "it agrees"
	}
	return "IT DIFFERS"
}

// digestRecord is one digest in --json.
type digestRecord struct {
	Algorithm string `json:"algorithm"`
	Hex       string `json:"hex"`
	Base64    string `json:"base64"`
}

type storeSumRecord struct {
	What   string `json:"what"`
	Hex    string `json:"hex"`
	Base64 string `json:"base64"`
	Agrees *bool  `json:"agrees,omitempty"`
	Why    string `json:"why,omitempty"`
}

type formsFields struct {
	Sums      []digestRecord   `json:"sums,omitempty"`
	PartSize  int64            `json:"part_size,omitempty"`
	Composite []digestRecord   `json:"composite_sums,omitempty"`
	ETag      string           `json:"etag_of_parts,omitempty"`
	Store     []storeSumRecord `json:"store_sums,omitempty"`
}

func sumsRecord(x Sums) record {
	f := &formsFields{PartSize: x.PartSize}
	each := func(sums []checksum.Sum) (all []digestRecord) {
		for _, s := range sums {
			all = append(all, digestRecord{strings.ToLower(string(s.Algorithm)), s.Hex(), s.Base64()})
		}
		return all
	}
	f.Sums, f.Composite = each(x.Full), each(x.Composite)
	for _, s := range x.Composite {
		if s.Algorithm == checksum.MD5 {
			f.ETag = s.Hex()
		}
	}
	for _, v := range x.Store {
		r := storeSumRecord{What: v.What, Hex: v.Sum.Hex(), Base64: v.Sum.Base64(), Why: v.Why}
		if v.Why == "" {
			r.Agrees = &v.Agrees
		}
		f.Store = append(f.Store, r)
	}
	return record{Event: "sum", Source: x.Name, Size: &x.Size, formsFields: f}
}

// Page hands standard output to what writes a whole answer, such as a manifest.
func (s *Screen) Page(write func(io.Writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	w := bufio.NewWriter(s.out)
	return errors.Join(write(w), w.Flush())
}

// digestLine returns the requested digests, or "".
func digestLine(r haul.Result) string {
	var texts []string
	for _, s := range r.Digests {
		texts = append(texts, strings.ToLower(string(s.Algorithm))+" "+s.Hex())
	}
	if texts == nil {
		return ""
	}
	return "        " + strings.Join(texts, ", ")
}

// digestMap is the same for programs.
func digestMap(r haul.Result) map[string]string {
	if r.Digests == nil {
		return nil
	}
	m := map[string]string{}
	for _, s := range r.Digests {
		m[strings.ToLower(string(s.Algorithm))] = s.Hex()
	}
	return m
}
