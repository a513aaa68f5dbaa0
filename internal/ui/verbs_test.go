package ui_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

var (
	reads = store.Object{Ref: store.Ref{Bucket: "lab", Key: "runs/a\n.bam"}, Size: 1536, ETag: "e", Modified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)}
	lab   = store.Bucket{Name: "lab", Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), Region: "eu-west-1"}
)

func TestListing(t *testing.T) {
	for _, c := range []struct {
		style ui.ListingStyle
		want  string
	}{
		{ui.ListingStyle{}, `2026-01-02 03:04:05 lab
                           PRE qc/
2026-01-02 03:04:05       1536 a\n.bam
                             0 
`}, // as the AWS CLI has it, a mark of a folder has no name
		{ui.ListingStyle{Full: true, Human: true}, `2026-01-02 03:04:05 lab
                           PRE qc/
2026-01-02 03:04:05    1.5 KiB runs/a\n.bam
                       0 Bytes runs/
`},
	} {
		var out paper
		l := ui.New(ui.Config{Stdout: &out, Stderr: &out}).Listing(c.style)
		l.Bucket(lab)
		l.Entry(store.Entry{Prefix: "runs/qc/"})
		l.Entry(store.Entry{Object: reads})
		l.Entry(store.Entry{Object: store.Object{Ref: store.Ref{Key: "runs/"}}})
		if out.Len() > 0 {
			t.Errorf("written at once: %q", out.String())
		}
		l.Close()
		if out.String() != c.want {
			t.Errorf("got\n%s want\n%s", out.String(), c.want)
		}
	}
}

// TestListingDoesNotWait: a line that comes late brings those before it along.
func TestListingDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out paper
		l := ui.New(ui.Config{Stdout: &out, Stderr: &out}).Listing(ui.ListingStyle{})
		l.Bucket(lab)
		time.Sleep(200 * time.Millisecond)
		l.Bucket(lab)
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%d lines", n)
		}
		l.Total(ui.Totals{Objects: 7, Bytes: 75})
		l.Close()
		if !strings.HasSuffix(out.String(), "lab\n\nTotal Objects: 7\n   Total Size: 75\n") {
			t.Errorf("%q", out.String())
		}
	})
}

func TestHumanSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 Bytes", 1: "1 Byte", 11: "11 Bytes", 1023: "1023 Bytes", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 1<<20 - 1: "1.0 MiB",
		1023 << 10: "1023.0 KiB", 10 << 40: "10.0 TiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := ui.HumanSize(n); got != want {
			t.Errorf("HumanSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestDeletions(t *testing.T) {
	for _, c := range []struct {
		cfg              ui.Config
		dry              bool
		stdout, stderr   string
		deleted, failing int
	}{
		{ui.Config{}, false, "delete: s3://lab/runs/a\\n.bam\ndeleted 1 object in 1.0 s; 1 failed (listed above)\n", "haul: failed: s3://lab/x: no\n", 1, 1},
		{ui.Config{Quiet: true}, false, "", "haul: failed: s3://lab/x: no\n", 1, 1},
		{ui.Config{}, true, "(dryrun) delete: s3://lab/runs/a\\n.bam\nwould delete 1 object; nothing was deleted\n", "", 1, 0},
	} {
		var out, errs paper
		c.cfg.Stdout, c.cfg.Stderr = &out, &errs
		d := ui.New(c.cfg).Deletions(c.dry)
		d.Deleted(reads.Ref)
		if c.failing > 0 {
			d.NotDeleted(store.Ref{Bucket: "lab", Key: "x"}, errNo)
		}
		d.Total(c.deleted, c.failing, time.Second)
		if out.String() != c.stdout || errs.String() != c.stderr {
			t.Errorf("got %q and %q", out.String(), errs.String())
		}
	}
}

type no struct{}

func (no) Error() string { return "no" }

var errNo error = no{}

func TestStat(t *testing.T) {
	o := reads
	o.Encryption, o.KMSKeyID, o.Version = "aws:kms", "key-1", "v1"
	o.Sums = []checksum.Sum{{Algorithm: checksum.CRC64NVME, Value: "\x00\x00\x00\x00\x00\x00\x00\x01"}, {Algorithm: checksum.CRC32C, Value: "abcd", Parts: 2}}
	o.ETag = "0123456789abcdef0123456789abcdef-2"
	o.Restore.Until = time.Date(2026, 2, 2, 0, 0, 0, 0, time.Local)
	var out paper
	s := ui.New(ui.Config{Stdout: &out, Stderr: &out})
	s.Stat(ui.Stat{Object: o, Tagged: true, Parts: []store.Part{{Number: 1, Size: 1024}, {Number: 2, Size: 512}}})
	for _, want := range []string{
		"s3://lab/runs/a\\n.bam\n", "  size                 1,536 B (1.5 KiB)\n", "  version              v1\n",
		"  checksum             CRC64NVME AAAAAAAAAAE=, of the full object\n", ", of the sums of 2 parts\n", "  storage class        STANDARD\n",
		"  restore              readable until 2026-02-02 00:00:00 ", "  encryption           aws:kms, key key-1\n", "  tag                  (none)\n",
		"  parts                2 of 1,024 B (1.0 KiB), the last of 512 B\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	s.Stat(ui.Stat{Object: store.Object{ETag: o.ETag, Restore: store.Restore{Ongoing: true}}})
	for _, want := range []string{"restore              under way\n", "parts                2, whose sizes the server does not report\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestVerbsAsJSON: each line is JSON, and quiet says nothing but what was asked for.
func TestVerbsAsJSON(t *testing.T) {
	all := func(s *ui.Screen) {
		l := s.Listing(ui.ListingStyle{})
		l.Bucket(lab)
		l.Entry(store.Entry{Prefix: "a/"})
		l.Entry(store.Entry{Object: reads})
		l.Total(ui.Totals{})
		l.Close()
		s.Deletions(true).Deleted(reads.Ref)
		s.Stat(ui.Stat{Object: reads})
		s.BucketStat(lab)
		s.Usage(ui.Usage{Where: reads.Ref}, true)
		s.BucketGone("lab")
		s.Website("lab", store.Website{Index: "i"})
		s.Address("https://x", 60)
	}
	var out, quiet, people paper
	all(ui.New(ui.Config{Stdout: &out, Stderr: &out, JSON: true}))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 11 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) || !strings.HasPrefix(line, `{"schema_version":2,"event":"`) {
			t.Errorf("%s", line)
		}
	}
	all(ui.New(ui.Config{Stdout: &quiet, Stderr: &quiet, Quiet: true}))
	if quiet.String() != "https://x\n" {
		t.Errorf("quiet: %q", quiet.String())
	}
	all(ui.New(ui.Config{Stdout: &people, Stderr: &people}))
	if strings.ContainsAny(people.String(), "\r\x1b") || strings.Contains(people.String(), "a\n.bam") {
		t.Errorf("%q", people.String())
	}
}
