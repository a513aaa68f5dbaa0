package seqfile_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/internal/seqfile"
	"haul.example/haul/internal/seqfile/seqtest"
)

// tool returns the path of a program, or skips.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not in PATH", name)
	}
	return path
}

// refused returns those of the files that samtools quickcheck refuses.
func refused(t *testing.T, samtools string, files []string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for len(files) > 0 {
		some := files[:min(1000, len(files))]
		files = files[len(some):]
		out, _ := exec.Command(samtools, append([]string{"quickcheck", "-v"}, some...)...).Output() // it fails if a file does
		for _, name := range strings.Fields(string(out)) {
			all[name] = true
		}
	}
	return all
}

func isBad(t *testing.T, kind seqfile.Kind, b []byte) bool {
	t.Helper()
	_, text := check(t, kind, b)
	return strings.Contains(text, "!")
}

// realFiles makes small files with samtools, from a SAM with a few reads.
func realFiles(t *testing.T, samtools string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	sam := "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:5000\n@SQ\tSN:chr2\tLN:500\n@RG\tID:a\tSM:x\n"
	for i := range 20 {
		sam += fmt.Sprintf("r%d\t0\tchr1\t%d\t60\t20M\t*\t0\t0\tACGTACGTACGTACGTACGT\tIIIIIIIIIIIIIIIIIIII\tRG:Z:a\n", i, 10*i+1)
	}
	in := filepath.Join(dir, "in.sam")
	write(t, in, []byte(sam))
	files := map[string][]byte{}
	for name, format := range map[string]string{"a.bam": "BAM", "a.cram": "CRAM,version=3.0,no_ref", "b.cram": "CRAM,version=3.1,no_ref", "c.cram": "CRAM,version=2.1,no_ref"} {
		out := filepath.Join(dir, name)
		if text, err := exec.Command(samtools, "view", "-O", format, "-o", out, in).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = b
	}
	return files
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCutAnywhere: of a BAM or CRAM that is cut at any byte, Check says no better than samtools quickcheck; a whole one is
// never bad.
func TestCutAnywhere(t *testing.T) {
	samtools := tool(t, "samtools")
	dir := t.TempDir()
	for name, b := range realFiles(t, samtools) {
		var files []string
		for n := range len(b) + 1 {
			path := filepath.Join(dir, fmt.Sprintf("%d-%s", n, name))
			write(t, path, b[:n])
			files = append(files, path)
		}
		bad := refused(t, samtools, files)
		for n, path := range files {
			if theirs, ours := bad[path], isBad(t, seqfile.KindOf(name), b[:n]); theirs && !ours || n == len(b) && (theirs || ours) {
				t.Errorf("%s, the first %d of %d bytes: bad %v, and to samtools quickcheck %v", name, n, len(b), ours, theirs)
			}
		}
	}
}

// TestFlippedBits: what samtools refuses after one bit of the header has changed is bad.
func TestFlippedBits(t *testing.T) {
	samtools := tool(t, "samtools")
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	for name, b := range realFiles(t, samtools) {
		var files []string
		var all [][]byte
		step := 1
		if name == "c.cram" { // which has no checksums
			step = 3
		}
		for at := 0; at < min(len(b), 300); at += step {
			flipped := bytes.Clone(b)
			flipped[at] ^= 1 << random.IntN(8)
			path := filepath.Join(dir, fmt.Sprintf("%d-%s", at, name))
			write(t, path, flipped)
			files, all = append(files, path), append(all, flipped)
		}
		bad := refused(t, samtools, files)
		for i, path := range files {
			if isBad(t, seqfile.KindOf(name), all[i]) {
				continue
			}
			if at := i * step; bad[path] || exec.Command(samtools, "view", "-H", path).Run() != nil {
				t.Errorf("%s, %08b became %08b at byte %d: it is not bad, and samtools refuses it", name, b[at], all[i][at], at)
			}
		}
	}
}

// TestFlippedVCF: the same of VCF.gz and BCF, and of bcftools.
func TestFlippedVCF(t *testing.T) {
	bcftools := tool(t, "bcftools")
	dir := t.TempDir()
	in := filepath.Join(dir, "in.vcf")
	write(t, in, []byte(seqtest.VCF(3)))
	random := rand.New(rand.NewPCG(3, 4))
	for name, format := range map[string]string{"a.vcf.gz": "z", "a.bcf": "b"} {
		path := filepath.Join(dir, name)
		if text, err := exec.Command(bcftools, "view", "--no-version", "-O", format, "-o", path, in).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if isBad(t, seqfile.KindOf(name), b) {
			t.Errorf("%s is whole, and bad", name)
		}
		for at := range len(b) {
			flipped := bytes.Clone(b)
			flipped[at] ^= 1 << random.IntN(8)
			if isBad(t, seqfile.KindOf(name), flipped) {
				continue
			}
			if write(t, path, flipped); exec.Command(bcftools, "view", "-h", path).Run() != nil {
				t.Errorf("%s, %08b became %08b at byte %d: it is not bad, and bcftools refuses it", name, b[at], flipped[at], at)
			}
		}
	}
}

// TestCutBGZF: BGZF of any kind that is cut anywhere but between two blocks is bad, without any tool.
func TestCutBGZF(t *testing.T) {
	text := seqtest.FASTQ(3000)
	b := seqtest.BGZF(text)
	whole := map[int]bool{len(b): true}
	for at := 0; at < len(b); {
		at += int(b[at+16]) + int(b[at+17])<<8 + 1
		whole[at] = true
	}
	for n := max(0, len(b)-300); n <= len(b); n++ {
		if got := isBad(t, seqfile.FASTQGz, b[:n]); got == whole[n] {
			t.Errorf("the first %d of %d bytes: bad %v", n, len(b), got)
		}
	}
	for n := 1; n < len(b); n += 97 {
		if got := isBad(t, seqfile.FASTQGz, b[:n]); got == whole[n] {
			t.Errorf("the first %d of %d bytes: bad %v", n, len(b), got)
		}
	}
}
