package seqfile_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/seqfile"
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
		{"m.subreads.bam.pbi", seqfile.PBI, seqfile.Index, "m.subreads.bam"},
		{"a_R1.fastq.ora", seqfile.ORA, seqfile.Data, ""},
		{"x.pod5", seqfile.POD5, seqfile.Data, ""},
		{"SRR1.sra", seqfile.SRA, seqfile.Data, ""},
		{"x.bam.c4gh", seqfile.C4GH, seqfile.Data, ""},
		{"x.sam", seqfile.SAM, seqfile.Data, ""},
		{"Analysis/1/Data/Secondary_Analysis_Complete.txt", seqfile.Other, seqfile.Marker, ""},
		{"run/Logs/FastqComplete.txt", seqfile.Other, seqfile.Marker, ""},
		{"run/CompletedJobInfo.xml", seqfile.Other, seqfile.Marker, ""},
		{"run/RTAExited.txt", seqfile.Other, seqfile.Marker, ""},
		{"run/RTARead1Complete.txt", seqfile.Other, seqfile.Marker, ""},
		{"run/.sync_finished", seqfile.Other, seqfile.Marker, ""},
		{"run/FastqComplete.txt.gz", seqfile.Gzip, seqfile.Data, ""},
		{"run/my_RTAExited.txt", seqfile.Other, seqfile.Data, ""},
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
		{"x_R1.fastq.ora", "x_R2.fastq.ora", "R1"},
		{"x_read1.fq.gz", "x_read2.fq.gz", "R1"},
		{"x.Read2.trimmed.fq.gz", "x.Read1.trimmed.fq.gz", "R2"},
		{"d/x_forward.fastq", "d/x_reverse.fastq", "R1"},
		{"x_REVERSE_paired.fq", "x_FORWARD_paired.fq", "R2"},
		{"d/reverse.fastq.gz", "d/forward.fastq.gz", "R2"},
		{"moreforward.fastq.gz", "", ""},
		{"thread1.fq", "", ""},
		{"KO_rep_1.fq.gz", "", ""},
		{"rep_2.fq.gz", "", ""},
		{"x.BioRep.1.fq", "", ""},
		{"mouse_day_1.fastq", "", ""},
		{"KO_rep1_1.fq.gz", "KO_rep1_2.fq.gz", "R1"},
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

// watch returns what a Watch reports of names, which it gets in order.
func watch(names ...string) (gaps, settled []string) {
	slices.Sort(names)
	w := seqfile.Watch{
		Report: func(g seqfile.Gap) { gaps = append(gaps, g.Name+" "+g.Text) },
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
		{"a_R1.fq b_R1.fq c_R1.fq", []string{"a_R1.fq has no R2, like all 3 R1 in its folder (single reads?)"}},
		{"d/a_R1.fq e/a_R2.fq", []string{"d/a_R1.fq has no R2", "e/a_R2.fq has no R1"}},
		{"a_I1_001.fastq.gz a_R1_001.fastq.gz a_R2_001.fastq.gz", nil},
		{"a_I1.fq a_I2.fq a_R1.fq a_R2.fq", nil},
		{"a_I2.fq", []string{"a_I2.fq has no I1"}},
		{"a_I1.fq a_I2.fq b_I1.fq", []string{"b_I1.fq has no I2, but others in its folder do"}},
		{"p_pass_0.fastq.gz p_pass_1.fastq.gz", nil},
		{"p_0.fq p_1.fq p_10.fq p_11.fq p_2.fq p_3.fq p_4.fq p_5.fq p_6.fq p_7.fq p_8.fq p_9.fq", nil},
		{"x_1.fq x_3.fq", nil},
		{"x_2.fq x_3.fq", nil},
		{"x_1.fq x_12.fq", nil},
		{"x_1.fq y_3.fq", []string{"x_1.fq has no R2"}},
		{"x_1.fq x_3.fq.gz", []string{"x_1.fq has no R2"}},
		{"rep_1.fq rep_3.fq", nil},
		{"day_1.fq", nil},
		{"m.bam m.bam.pbi n.bam", []string{"n.bam has no index, but others in its folder do"}},
		{"m.bam.pbi", []string{"m.bam.pbi is an index whose data is missing"}},
		{"a.bam b.bam", nil}, // nobody indexes here
		{"a.bam a.bam.bai b.bam d/c.bam", []string{"b.bam has no index, but others in its folder do"}},
		{"a.bai a.bam b.bam", []string{"b.bam has no index, but others in its folder do"}},
		{"a.bam a.bam.csi b.cram", nil},
		{"a.bam.bai", []string{"a.bam.bai is an index whose data is missing"}},
		{"a.bai", []string{"a.bai is an index whose data is missing"}},
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
	if len(gaps) != 11 || gaps[10] != "a_R1.fq has no R2, like 14 more in its folder" {
		t.Errorf("%q", gaps)
	}
}

// TestPairs: a folder of samples named by any convention has no gap; if one file of a pair is removed, there is just one,
// about the other.
func TestPairs(t *testing.T) {
	type convention struct{ one, two string }
	conventions := []convention{
		{"_S1_L001_R1_001", "_S1_L001_R2_001"}, {"_S1_L001_I1_001", "_S1_L001_I2_001"}, {"_1", "_2"}, {".1", ".2"}, {"_R1", "_R2"}, {".r1", ".r2"}, {"_read1", "_read2"},
		{"_Read1.trim", "_Read2.trim"}, {"_forward", "_reverse"}, {"-Forward", "-Reverse"}, {"_R1_val_1", "_R2_val_2"}, {"_1_val_1", "_2_val_2"},
	}
	rapid.Check(t, func(r *rapid.T) {
		var names []string
		var pairs [][2]string
		stems := rapid.SliceOfNDistinct(rapid.StringMatching(`(a/|b/c/)?[A-Z]{2}[0-9]{0,3}(_rep_?[0-9]|_day_[0-9])?`), 2, 8, func(s string) string { return s }).Draw(r, "stems")
		for _, stem := range stems {
			c := rapid.SampledFrom(conventions).Draw(r, "convention")
			end := rapid.SampledFrom([]string{".fastq.gz", ".fq.gz", ".fastq", ".fq", ".fastq.ora", ".FASTQ.GZ"}).Draw(r, "end")
			one, two := stem+"x"+c.one+end, stem+"x"+c.two+end
			pairs = append(pairs, [2]string{one, two})
			names = append(names, one, two)
		}
		if gaps, _ := watch(slices.Clone(names)...); len(gaps) > 0 {
			r.Fatalf("whole pairs have gaps: %q", gaps)
		}
		pair := rapid.SampledFrom(pairs).Draw(r, "pair")
		side := rapid.IntRange(0, 1).Draw(r, "side")
		gone, left := pair[side], pair[1-side]
		names = slices.DeleteFunc(names, func(s string) bool { return s == gone })
		gaps, _ := watch(slices.Clone(names)...)
		lone := strings.Contains(left, "_I1_") && !slices.ContainsFunc(names, func(s string) bool { // nobody there has an I2
			return strings.Contains(s, "_I2_") && path.Dir(s) == path.Dir(left)
		})
		if lone && len(gaps) != 0 || !lone && (len(gaps) != 1 || !strings.HasPrefix(gaps[0], left+" has no ")) {
			r.Fatalf("without %s: %q", gone, gaps)
		}
	})
}

// TestSeries: files that are counted are no pairs, whichever of them are there.
func TestSeries(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		stem := rapid.SampledFrom([]string{"FAX1_pass_barcode01_ab12_", "d/x.", "KO_"}).Draw(r, "stem")
		numbers := rapid.SliceOfNDistinct(rapid.IntRange(0, 30), 1, 20, func(n int) int { return n }).Draw(r, "numbers")
		if !slices.ContainsFunc(numbers, func(n int) bool { return n != 1 && n != 2 }) {
			return // it may be a pair
		}
		var names []string
		for _, n := range numbers {
			names = append(names, fmt.Sprintf("%s%d.fastq.gz", stem, n))
		}
		if gaps, _ := watch(names...); len(gaps) > 0 {
			r.Fatalf("%q", gaps)
		}
	})
}

// TestWatchSettles: each name is settled once, an index with its data if that is there.
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
