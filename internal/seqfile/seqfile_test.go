package seqfile_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul/internal/seqfile"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name string
		kind seqfile.Kind
		role seqfile.Role
		data string // the first of DataOf
	}{
		{"run/x.bam", seqfile.BAM, seqfile.Data, ""},
		{"X.BAM", seqfile.BAM, seqfile.Data, ""},
		{"x.bam.bai", seqfile.BAI, seqfile.Index, "x.bam"},
		{"a/x.bai", seqfile.BAI, seqfile.Index, "a/x.bam"},
		{"x.bam.csi", seqfile.CSI, seqfile.Index, "x.bam"},
		{"x.cram.crai", seqfile.CRAI, seqfile.Index, "x.cram"},
		{"x.crai", seqfile.CRAI, seqfile.Index, "x.cram"},
		{"x.g.vcf.gz", seqfile.VCFGz, seqfile.Data, ""},
		{"x.vcf.gz.tbi", seqfile.TBI, seqfile.Index, "x.vcf.gz"},
		{"x.bed.gz.tbi", seqfile.TBI, seqfile.Index, "x.bed.gz"},
		{"x.bcf", seqfile.BCF, seqfile.Data, ""},
		{"hg38.fa", seqfile.FASTA, seqfile.Data, ""},
		{"hg38.fa.fai", seqfile.FAI, seqfile.Index, "hg38.fa"},
		{"hg38.fa.gz.gzi", seqfile.GZI, seqfile.Index, "hg38.fa.gz"},
		{"hg38.dict", seqfile.Dict, seqfile.Index, "hg38.fa"},
		{"hg38.fa.dict", seqfile.Dict, seqfile.Index, "hg38.fa"},
		{"a_R1.fastq.gz", seqfile.FASTQGz, seqfile.Data, ""},
		{"a_1.fq", seqfile.FASTQ, seqfile.Data, ""},
		{"notes.txt.gz", seqfile.Gzip, seqfile.Data, ""},
		{"md5sum.txt", seqfile.Other, seqfile.Manifest, ""},
		{"d/x.bam.md5sum", seqfile.Other, seqfile.Manifest, ""},
		{"x.fastq.gz.md5", seqfile.Other, seqfile.Manifest, ""},
		{"MD5SUMS", seqfile.Other, seqfile.Manifest, ""},
		{"checksums.txt", seqfile.Other, seqfile.Manifest, ""},
		{"MANIFEST", seqfile.Other, seqfile.Manifest, ""},
		{"RTAComplete.txt", seqfile.Other, seqfile.Marker, ""},
		{"CopyComplete.txt", seqfile.Other, seqfile.Marker, ""},
		{"SequenceComplete.txt", seqfile.Other, seqfile.Marker, ""},
		{"out/_SUCCESS", seqfile.Other, seqfile.Marker, ""},
		{"align.done", seqfile.Other, seqfile.Marker, ""},
		{"SampleSheet.csv", seqfile.Other, seqfile.Data, ""},
		{".bam", seqfile.Other, seqfile.Data, ""},
		{"bam", seqfile.Other, seqfile.Data, ""},
		{"", seqfile.Other, seqfile.Data, ""},
	} {
		if got := seqfile.KindOf(c.name); got != c.kind {
			t.Errorf("%s is %q, want %q", c.name, got, c.kind)
		}
		if got := seqfile.RoleOf(c.name); got != c.role {
			t.Errorf("%s has role %d, want %d", c.name, got, c.role)
		}
		data := seqfile.DataOf(c.name)
		if c.role != seqfile.Index && data != nil {
			t.Errorf("%s is an index of %q", c.name, data)
		}
		if c.role == seqfile.Index && (len(data) == 0 || data[0] != c.data) {
			t.Errorf("%s is an index of %q, want %q first", c.name, data, c.data)
		}
	}
}

func TestMates(t *testing.T) {
	for _, c := range []struct{ name, mate, read string }{
		{"run/x_S1_L001_R1_001.fastq.gz", "run/x_S1_L001_R2_001.fastq.gz", "R1"},
		{"x_S1_L001_I2_001.fastq.gz", "x_S1_L001_I1_001.fastq.gz", "I2"},
		{"SRR1_2.fastq", "SRR1_1.fastq", "R2"},
		{"x.R1.fq.gz", "x.R2.fq.gz", "R1"},
		{"x_R1.trimmed.fq.gz", "x_R2.trimmed.fq.gz", "R1"},
		{"x_R1_val_1.fq.gz", "x_R2_val_2.fq.gz", "R1"},
		{"x_1_val_1.fq.gz", "x_2_val_2.fq.gz", "R1"},
		{"x_3.fastq.gz", "", ""},
		{"x.fastq.gz", "", ""},
		{"x_R1.bam", "", ""},
		{"R1.fastq.gz", "", ""},
	} {
		if mate, read := seqfile.Mate(c.name); mate != c.mate || read != c.read {
			t.Errorf("%s: %q, %q; want %q, %q", c.name, mate, read, c.mate, c.read)
		}
	}
}

// watch gives what a Watch tells of names, which it is given in order.
func watch(names ...string) (gaps, settled []string) {
	slices.Sort(names)
	w := seqfile.Watch{
		Tell: func(g seqfile.Gap) { gaps = append(gaps, g.Name+" "+g.Text) },
		Settled: func(name string, indexes []string) {
			settled = append(settled, strings.Join(append([]string{name}, indexes...), "+"))
		},
	}
	for _, name := range names {
		w.Add(name)
	}
	w.End()
	return gaps, settled
}

func TestWatch(t *testing.T) {
	for _, c := range []struct {
		names string
		gaps  []string
	}{
		{"a_R1.fastq.gz a_R2.fastq.gz a.bam a.bam.bai b.bam b.bai", nil},
		{"run/x_R1.fastq.gz", []string{"run/x_R1.fastq.gz has no R2"}},
		{"x_R2.fastq.gz", []string{"x_R2.fastq.gz has no R1"}},
		{"a_1.fq b_1.fq b_2.fq", []string{"a_1.fq has no R2"}},
		{"a_R1.fq b_R1.fq c_R1.fq", []string{"a_R1.fq has no R2, as none of the 3 R1 in its folder has (single reads?)"}},
		{"d/a_R1.fq e/a_R2.fq", []string{"d/a_R1.fq has no R2", "e/a_R2.fq has no R1"}},
		{"a_I1_001.fastq.gz a_R1_001.fastq.gz a_R2_001.fastq.gz", nil},
		{"a.bam b.bam", nil}, // nobody indexes here
		{"a.bam a.bam.bai b.bam d/c.bam", []string{"b.bam has no index, and others in its folder have one"}},
		{"a.bai a.bam b.bam", []string{"b.bam has no index, and others in its folder have one"}},
		{"a.bam a.bam.csi b.cram", nil},
		{"a.bam.bai", []string{"a.bam.bai is an index whose data is not there"}},
		{"a.bai", []string{"a.bai is an index whose data is not there"}},
		{"r.fa r.fa.fai r.dict s.fa.gz s.fa.gz.fai s.fa.gz.gzi", nil},
		{"x.bed.gz x.bed.gz.tbi y.vcf.gz y.vcf.gz.csi", nil},
		{"a.bam a.bam-old a.bam.bai", nil},
		{"genome.dict", nil},
	} {
		if gaps, _ := watch(strings.Fields(c.names)...); !slices.Equal(gaps, c.gaps) {
			t.Errorf("%s: %q, want %q", c.names, gaps, c.gaps)
		}
	}
}

func TestWatchManyGaps(t *testing.T) {
	names := []string{"zz_R1.fq", "zz_R2.fq"}
	for i := range 15 {
		names = append(names, string(rune('a'+i))+"_R1.fq")
	}
	gaps, _ := watch(names...)
	if len(gaps) != 11 || gaps[10] != "a_R1.fq has no R2, as 14 more in its folder" {
		t.Errorf("%q", gaps)
	}
}

// TestWatchSettles: each name is settled once, an index with its data where that is there.
func TestWatchSettles(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.Custom(func(r *rapid.T) string {
			return rapid.SampledFrom([]string{"", "d/", "d/e/"}).Draw(r, "dir") + rapid.SampledFrom([]string{"a", "a.b", "x"}).Draw(r, "stem") +
				rapid.SampledFrom([]string{".bam", ".bam.bai", ".bai", ".bam.csi", ".cram", ".crai", ".fa", ".fa.fai", ".dict", ".vcf.gz", ".vcf.gz.tbi", ".txt", "_R1.fq", "_R2.fq"}).Draw(r, "end")
		}), func(s string) string { return s }).Draw(r, "names")
		_, settled := watch(slices.Clone(names)...)
		var got []string
		for _, s := range settled {
			family := strings.Split(s, "+")
			got = append(got, family...)
			for _, index := range family[1:] {
				if !slices.Contains(seqfile.DataOf(index), family[0]) {
					r.Fatalf("%s is no index of %s", index, family[0])
				}
			}
			if len(family) == 1 && strings.HasSuffix(s, ".bam.bai") && slices.Contains(names, strings.TrimSuffix(s, ".bai")) {
				r.Fatalf("%s is alone: %q", s, settled)
			}
		}
		slices.Sort(got)
		slices.Sort(names)
		if !slices.Equal(got, names) {
			r.Fatalf("settled %q of %q", got, names)
		}
	})
}
