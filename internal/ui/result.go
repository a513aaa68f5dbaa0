package ui

import (
	"fmt"
	"strings"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/internal/amount"
)

// rateWorth is the size in bytes above which a rate says something about the link.
const rateWorth = 1 << 20

// resultLine reports in one line what was transferred, how fast, what was kept, and how it was verified.
func resultLine(t Task, r haul.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s to %s  %s in %s", t.Verb, Printable(t.Source), Printable(t.Target), amount.Bytes(r.Size), amount.Took(r.Elapsed))
	if n := r.Size - r.Kept; n >= rateWorth && r.Elapsed > 0 {
		fmt.Fprintf(&b, " (%s)", amount.PerSecond(float64(n)/r.Elapsed.Seconds()))
	}
	if r.Kept > 0 {
		fmt.Fprintf(&b, "; %s already stored", amount.Bytes(r.Kept))
	}
	b.WriteString("; ")
	b.WriteString(proofClause(r.Proof))
	return b.String()
}

// sumText writes a sum as people meet it elsewhere: hashes in hex, as md5sum and ETags have them, CRCs in base64, as S3 does.
func sumText(s checksum.Sum) string {
	if s.Algorithm.CanCombine() {
		return s.Base64()
	}
	return s.Hex()
}

// proofClause describes how the bytes were verified, and by which checksum.
func proofClause(p haul.Proof) string {
	text := Printable(p.Text)
	if !p.Verified {
		return "not verified: " + text
	}
	sum := ""
	if !p.Sum.IsZero() {
		sum = sumText(p.Sum)
	}
	if sum == "" || strings.Contains(text, sum) {
		return "verified: " + text
	}
	what, how, _ := strings.Cut(text, ",")
	if how == "" {
		return "verified: " + what + " " + sum
	}
	return "verified: " + what + " " + sum + "," + how
}

// detailLine is what --verbose adds.
func detailLine(r haul.Result) string {
	fields := []string{count(r.Parts, "part"), retries(r.Retries), amount.Bytes(r.Moved) + " transferred"}
	if r.Object.ETag != "" {
		fields = append(fields, "ETag "+Printable(r.Object.ETag))
	}
	if r.Object.Version != "" {
		fields = append(fields, "version "+Printable(r.Object.Version))
	}
	if r.Object.Encryption != "" {
		fields = append(fields, "encrypted with "+Printable(r.Object.Encryption))
	}
	return "        " + strings.Join(fields, ", ")
}
