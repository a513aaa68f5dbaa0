package proof_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

var findings = []proof.Finding{
	{Name: "a.bam", Verdict: proof.OK, Size: 5 << 30, Text: "full-object CRC64NVME", Proof: "full-object CRC64NVME"},
	{Name: "b <script>.bam", Verdict: proof.Bad, Size: 100, Text: "its MD5 (ETag) differs from the file's", Settles: true},
	{Name: "c.bam", Verdict: proof.Missing, Size: -1, Text: "it is not there"},
	{Name: "d.bam", Verdict: proof.Extra, Size: 1, Text: "it is in the target only"},
	{Name: "e.bam", Verdict: proof.Unprovable, Size: 1, Text: "nobody vouches, \"they\" say"},
}

func report(t *testing.T, path string, all []proof.Finding) string {
	t.Helper()
	r, err := proof.NewReport(path, proof.About{Truth: "/data/run", What: "tree", Target: "s3://lab/run", Time: time.Unix(1_000_000_000, 0), By: "haul test"})
	if err != nil {
		t.Fatal(err)
	}
	s := proof.Summary{Proofs: map[string]int{}}
	for _, f := range all {
		s.Found++
		switch f.Verdict {
		case proof.OK:
			s.OK++
			s.Proofs[f.Proof]++
		case proof.Bad:
			s.Bad++
		case proof.Missing:
			s.Missing++
		case proof.Unprovable:
			s.Unprovable++
		case proof.Extra:
			s.Extra++
		}
		if err := r.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it is there before it is whole")
	}
	if err := errors.Join(r.End(s), r.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	return string(text)
}

// inOrder reports whether texts come one after the other.
func inOrder(text string, want ...string) error {
	for _, w := range want {
		i := strings.Index(text, w)
		if i < 0 {
			return fmt.Errorf("%q is missing, or not in its place", w)
		}
		text = text[i+len(w):]
	}
	return nil
}

func TestReportHTML(t *testing.T) {
	text := report(t, filepath.Join(t.TempDir(), "r.html"), findings)
	if err := inOrder(text, "Not whole: 1 file damaged or different, 1 file missing", "s3://lab/run", "/data/run", "9 September 2001, 01:46 UTC",
		"full-object CRC64NVME", "b &lt;script&gt;.bam", "--download would decide it", "c.bam", "e.bam", "&#34;they&#34; say", "a.bam", "5.0 GiB", "d.bam", "haul test"); err != nil {
		t.Error(err)
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "http") {
		t.Error("it is not self-contained")
	}
	for want, all := range map[string][]proof.Finding{"Complete: 1 file, all in place and verified": findings[:1], "Not all could be verified: 1 file left open": findings[4:],
		"Nothing was there to be verified": findings[3:4]} {
		if text := report(t, filepath.Join(t.TempDir(), "r.html"), all); !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestReportJSON(t *testing.T) {
	for _, all := range [][]proof.Finding{findings, nil} {
		var got struct {
			Format int    `json:"haul_verify_report"`
			Whole  string `json:"whole"`
			Bad    int    `json:"bad"`
			Files  []proof.Row
		}
		text := report(t, filepath.Join(t.TempDir(), "r.json"), all)
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got.Format != 1 || len(got.Files) != len(all) || len(all) > 0 && (got.Whole != "no" || got.Bad != 1 || got.Files[0].Name != "b <script>.bam") {
			t.Errorf("%+v", got)
		}
	}
}

func TestReportCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(report(t, filepath.Join(t.TempDir(), "r.csv"), findings))).ReadAll()
	if err != nil || len(rows) != 6 || rows[0][0] != "verdict" || rows[1][0] != "BAD" || rows[2][2] != "" || rows[4][0] != "OK" {
		t.Errorf("%q, %v", rows, err)
	}
}

// What cannot be a report, or cannot be written, is refused before the work is done.
func TestReportRefused(t *testing.T) {
	if _, err := proof.NewReport("x.pdf", proof.About{}); !errors.Is(err, store.Invalid) || proof.IsReport("x.pdf") {
		t.Errorf("a PDF: %v", err)
	}
	if _, err := proof.NewReport(filepath.Join(write(t, t.TempDir(), "file", nil), "r.html"), proof.About{}); err == nil {
		t.Error("below a file it can be written")
	}
}

// MD5 and SHA stand in reports in hex, as md5sum prints them, and CRCs in Base64, as S3 does.
func TestShown(t *testing.T) {
	for a, want := range map[checksum.Algorithm]string{
		checksum.MD5:    "MD5 d41d8cd98f00b204e9800998ecf8427e",
		checksum.SHA1:   "SHA1 da39a3ee5e6b4b0d3255bfef95601890afd80709",
		checksum.CRC32C: "CRC32C AAAAAA==",
	} {
		if got := proof.Shown(checksum.Bytes(a, nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := proof.Shown(checksum.Sum{}); got != "" {
		t.Errorf("no sum: %q", got)
	}
}
