package servers_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul/internal/seqfile/seqtest"
	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
)

// TestField sends a delivery to real servers, and looks at what is wrong with it there, without a download: the same as on the
// local files, and as samtools quickcheck says, where that is installed. On the way back families are in order, and the next
// sync has nothing to do.
func TestField(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		v := &verbs{T: t, s: s, program: built.Haul(t), home: t.TempDir(), bucket: s.Bucket(t)}
		dir := filepath.Join(v.home, "run")
		bam, cram := seqtest.BAM("chr1", "chr2"), seqtest.CRAM("chr1")
		vcf := seqtest.VCF(20_000)
		files := map[string][]byte{
			"a.bam": bam, "a.bam.bai": seqtest.BAI(2), "noeof.bam": bam[:len(bam)-28], "cut.bam": bam[:60], "none.bam": seqtest.BAM(),
			"a.cram": cram, "a.cram.crai": seqtest.CRAI(50), "cut.cram": cram[:len(cram)-len(seqtest.EOFContainer)],
			"v.vcf.gz": seqtest.BGZF(vcf), "v.vcf.gz.tbi": seqtest.TBI(), "plain.vcf.gz": seqtest.Gzip(vcf),
			"x_R1.fastq.gz": seqtest.Gzip(seqtest.FASTQ(20_000)), "other.bam": bam, "other.bam.bai": seqtest.BAI(9),
			"md5sum.txt": []byte("x\n"), "CopyComplete.txt": []byte("\n"),
		}
		for name, b := range files {
			v.write(filepath.Join(dir, name), b)
		}
		v.real(dir)
		now := time.Now().Add(-time.Minute)
		if err := os.Chtimes(filepath.Join(dir, "a.bam"), now, now); err != nil { // its index is older
			t.Fatal(err)
		}
		v.has(v.haul(0, "sync --times "+dir+" s3://b/run"), "with missing companion files (listed above); all verified")
		local, stored := v.haul(1, "quickcheck "+dir), v.haul(1, "quickcheck s3://b/run")
		for _, line := range []string{
			"BAD   %snoeof.bam: it has no EOF block", "BAD   %scut.bam: its header is truncated", "WARN  %snone.bam: its header has no reference",
			"BAD   %scut.cram: it has no EOF container", "WARN  %splain.vcf.gz: it is plain gzip", "BAD   %sother.bam.bai: it has 9 reference",
			"WARN  %sa.bam.bai: it is older than its data", "WARN  %sx_R1.fastq.gz: it has no R2", "WARN  %snoeof.bam: it has no index",
		} {
			v.has(local, fmt.Sprintf(line, dir+"/"))
			v.has(stored, fmt.Sprintf(line, "s3://"+v.bucket+"/run/"))
		}
		v.likeSamtools(dir, stored)
		down := dir + "2"
		v.haul(0, "sync s3://b/run "+down)
		v.has(v.haul(0, "sync s3://b/run "+down), "copied 0 objects, ")
		if said := v.haul(1, "quickcheck "+down); strings.Contains(said, "older than its data") {
			t.Errorf("an index is older than its data:\n%s", said)
		}
	})
}

// real adds files that samtools, bcftools and bgzip make, where they are installed.
func (v *verbs) real(dir string) {
	for _, program := range []string{"samtools", "bcftools", "bgzip", "tabix"} {
		if _, err := exec.LookPath(program); err != nil {
			v.Logf("%s is not in PATH; its files are left out", program)
			return
		}
	}
	sam := filepath.Join(v.home, "x.sam")
	v.write(sam, []byte("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:b\tLN:1000\n@SQ\tSN:c\tLN:1000\nr1\t0\tb\t10\t60\t4M\t*\t0\t0\tACGT\tIIII\n"))
	v.write(filepath.Join(dir, "r.vcf"), []byte(seqtest.VCF(100)))
	v.write(filepath.Join(dir, "r.fa"), []byte(">x\nACGTACGT\n>y\nAC\n"))
	for _, line := range []string{
		"samtools view -b -o r.bam " + sam, "samtools index r.bam", "samtools index -c r.bam", "samtools view -O cram,no_ref=1 -o r.cram " + sam, "samtools index r.cram",
		"samtools view -O cram,version=2.1,no_ref=1 -o r21.cram " + sam, "samtools index r21.cram", "samtools faidx r.fa", "samtools dict -o r.dict r.fa",
		"bgzip -k r.vcf", "tabix r.vcf.gz", "bcftools view -Ob -o r.bcf r.vcf", "bcftools index r.bcf",
		"bgzip -k -i r.fa", "samtools faidx r.fa.gz",
	} {
		words := strings.Fields(line)
		cmd := exec.CommandContext(v.Context(), words[0], words[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			v.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
}

// likeSamtools compares what was said of BAM and CRAM in the store with samtools quickcheck on the files.
func (v *verbs) likeSamtools(dir, said string) {
	samtools, err := exec.LookPath("samtools")
	if err != nil {
		v.Log("samtools is not in PATH")
		return
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*am"))
	for _, file := range files {
		theirs := exec.CommandContext(v.Context(), samtools, "quickcheck", file).Run() == nil
		name := "s3://" + v.bucket + "/run/" + filepath.Base(file) + ":"
		ours := !strings.Contains(said, "BAD   "+name) && !strings.Contains(said, "WARN  "+name+" its header has no reference") // bad for samtools
		if ours != theirs {
			v.Errorf("%s: haul passes it: %v, samtools quickcheck: %v", file, ours, theirs)
		}
	}
	for _, good := range []string{"r.", "r21."} {
		if strings.Contains(said, "  s3://"+v.bucket+"/run/"+good) {
			v.Errorf("what samtools made is not good:\n%s", said)
		}
	}
}
