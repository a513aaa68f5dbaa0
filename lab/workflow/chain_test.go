package workflow_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"haul.example/haul/checksum"
)

const callVariants = `#!/bin/sh
set -e
bam=$1 ref=$2
samtools quickcheck "$bam"
samtools index "$bam"
bcftools mpileup -Ou -f "$ref" "$bam" 2> mpileup.log | bcftools call -mv -Oz -o results/calls.vcf.gz
bcftools index -t results/calls.vcf.gz
samtools flagstat "$bam" > results/flagstat.txt
echo "called $bam"
`

const mapReads = `#!/bin/sh
set -e
bwa index ref/hg38.fa 2> index.log
bwa mem ref/hg38.fa reads.bwa.read1.fastq.gz reads.bwa.read2.fastq.gz 2> mem.log | samtools sort -o NA12878.bam -
`

// TestChain maps simulated reads of a small genome, and calls its variants, with everything on S3: the example of the README.
func TestChain(t *testing.T) {
	needs(t, "dwgsim", "bwa", "samtools", "bcftools")
	g := newRig(t, "lab", "refs")
	g.write("call-variants.sh", []byte(callVariants))
	g.write("map.sh", []byte(mapReads))
	g.write("hg38.fa", genome(30_000))
	for _, line := range []string{"samtools faidx hg38.fa", "dwgsim -z 7 -N 6000 -1 100 -2 100 -y 0 -r 0.002 hg38.fa reads"} {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = g.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	g.run(0, "cp", "hg38.fa", "s3://refs/hg38/")
	g.run(0, "cp", "hg38.fa.fai", "s3://refs/hg38/")
	g.run(0, "cp", "reads.bwa.read1.fastq.gz", "s3://lab/reads/")
	g.run(0, "cp", "reads.bwa.read2.fastq.gz", "s3://lab/reads/")

	g.run(0, "run", "--in", "s3://lab/reads/*:.", "--in", "s3://refs/hg38/:ref/", "--out", "NA12878.bam:s3://lab/", "--record", "s3://lab/mapped/", "--", "./map.sh")
	line := []string{"run", "--in", "s3://lab/NA12878.bam", "--in", "s3://refs/hg38/:ref/", "--out", "results/**:s3://lab/out/", "--", "./call-variants.sh", "NA12878.bam", "ref/hg38.fa"}
	p := g.run(0, line...)
	if got := p.stdout.String(); got != "called NA12878.bam\n" {
		t.Errorf("the command said %q", got)
	}
	g.proved("lab", "out/run.json", 3)
	vcf, err := gzip.NewReader(bytes.NewReader(g.get("lab", "out/calls.vcf.gz")))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(vcf)
	if err != nil {
		t.Fatal(err)
	}
	variants := 0
	for row := range strings.Lines(string(text)) {
		if strings.HasPrefix(row, "chr1\t") {
			variants++
		}
	}
	if variants < 10 {
		t.Errorf("%d variants were called, of about 60", variants)
	}
	r := g.record("lab", "out/run.json")
	t.Logf("%d variants; the command took %.2f s and %d MiB", variants, r.Seconds.Wall, r.Memory>>20)
	if got := g.get("lab", "out/_SUCCESS"); got == nil {
		t.Error("there is no _SUCCESS")
	}
	before := g.relay.sent("/lab/NA12878.bam")
	if p := g.run(0, line...); !strings.Contains(p.stderr.String(), "nothing to do") || g.relay.sent("/lab/NA12878.bam") != before {
		t.Errorf("the second run did something: %s", p.stderr.String())
	}
	empty(t, filepath.Join(g.dir, "tmp"))
}

// proved compares what a record says of its outputs with what the server gives.
func (g *rig) proved(bucket, key string, outputs int) {
	g.Helper()
	r := g.record(bucket, key)
	if r.Outcome != "succeeded" || len(r.Outputs) != outputs {
		g.Errorf("%s: %+v", key, r)
	}
	for _, o := range r.Outputs {
		name, ok := strings.CutPrefix(o.Target, "s3://"+bucket+"/")
		b := g.get(bucket, name)
		sum := checksum.Bytes(checksum.CRC64NVME, b)
		if !ok || int64(len(b)) != o.Size || o.Checksum != "CRC64NVME "+sum.Base64() || o.Proof == "" {
			g.Errorf("%+v is not what is stored: %d bytes, %s", o, len(b), sum.Base64())
		}
	}
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range left {
		if strings.HasPrefix(l.Name(), "haul-run-") {
			t.Errorf("%s is left in %s", l.Name(), dir)
		}
	}
}

// TestKilled kills a run at each of its stages; the same line does only what is missing.
func TestKilled(t *testing.T) {
	const size = 40 << 20
	g := newRig(t, "lab")
	content := random(size, 1)
	g.put("lab", "in/big", content)
	g.put("lab", "in/small", []byte("small"))
	gate := filepath.Join(g.dir, "gate")
	mkfifo(t, gate)
	script := fmt.Sprintf("test ! -e mark || exit 9; touch mark; echo begins; cat %s; cp in/big out/big; cp in/small out/small", gate)
	line := []string{"run", "--json", "--concurrency", "1", "--in", "s3://lab/in/", "--out", "out/*:s3://lab/out/", "--", "sh", "-c", script}

	// In: two of the ranges are there.
	ranges := 0
	h := g.relay.hold(func(r *http.Request) bool {
		if r.Method == http.MethodGet && r.URL.Path == "/lab/in/big" {
			ranges++
		}
		return ranges == 3
	})
	g.command(line...).killed(h)
	before := g.relay.sent("/lab/in/big")
	kept := int64(0)

	// Command: inputs stay, it starts over, and what the killed one left running is gone.
	p := g.command(line...)
	p.await(p.begin("begins"))
	in := g.relay.sent("/lab/in/big") - before
	if kept = size - in; kept < 8<<20 {
		t.Errorf("only %d bytes were kept of the %d that had come", kept, before)
	}
	t.Logf("in: %d MiB had come; the next run fetched %d of %d MiB", before>>20, in>>20, size>>20)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.end(-1)
	before = g.relay.sent("/lab/in/big")
	if err := os.Remove(gate); err != nil {
		t.Fatal(err)
	}
	g.write("gate", nil)

	// Out: the command is not run again, and the parts that are there are not sent again.
	h = g.relay.hold(func(r *http.Request) bool {
		return r.Method == http.MethodPut && r.URL.Path == "/lab/out/big" && r.URL.Query().Get("partNumber") == "3"
	})
	g.command(line...).killed(h)
	if again := g.relay.sent("/lab/in/big") - before; again != 0 {
		t.Errorf("%d bytes of inputs were fetched again after a kill in the command", again)
	}
	if g.get("lab", "out/_SUCCESS") != nil {
		t.Error("a run that was killed shows _SUCCESS")
	}
	sent, small := g.relay.got("/lab/out/big"), g.relay.got("/lab/out/small")
	p = g.run(0, line...)
	if strings.Contains(p.stdout.String(), "begins") {
		t.Error("the command ran again, though it had ended well")
	}
	out := g.relay.got("/lab/out/big") - sent
	t.Logf("out: %d MiB had gone; the next run sent %d of %d MiB", sent>>20, out>>20, size>>20)
	if out > size-8<<20 {
		t.Errorf("%d of %d bytes were sent again, though %d had gone", out, size, sent)
	}
	if small > 0 && g.relay.got("/lab/out/small") > 2*small {
		t.Error("an output that was there was sent again")
	}
	if !bytes.Equal(g.get("lab", "out/big"), content) {
		t.Error("the output is not what the command made")
	}
	g.proved("lab", "out/run.json", 2)
	empty(t, filepath.Join(g.dir, "tmp"))
}
