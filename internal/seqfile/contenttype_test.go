package seqfile

import (
	"mime"
	"strings"
	"testing"
)

func TestGuessType(t *testing.T) {
	for name, want := range map[string]string{
		"a.fastq": "text/plain", "a.fq": "text/plain", "a.fastq.gz": "application/gzip", "A.FQ.GZ": "application/gzip",
		"x.bam": "application/octet-stream", "x.bam.bai": "application/octet-stream", "x.cram": "application/octet-stream", "x.cram.crai": "application/gzip",
		"x.vcf": "text/plain", "x.vcf.gz": "application/gzip", "x.vcf.gz.tbi": "application/octet-stream", "x.bcf": "application/octet-stream",
		"x.csi": "application/octet-stream", "ref.fa": "text/plain", "ref.fasta": "text/plain", "ref.fa.fai": "text/plain", "genes.gff3": "text/plain",
		"targets.bed": "text/plain", "md5sum.md5": "text/plain", "report.html": "text/html", "SampleSheet.csv": "text/csv", "RunInfo.xml": "application/xml",
		"x.json": "application/json", "x.tar": "application/x-tar", "x.h5ad": "application/x-hdf5", "p/q.r/x": "", "x": "", ".bam": "", "x.": "", "x.unknown": "",
		"/data/run.1/x.PNG": "image/png", "app.mjs": "text/javascript", "a.woff2": "font/woff2", "a.woff": "font/woff", "a.ttf": "font/ttf",
		"favicon.ico": "image/vnd.microsoft.icon", "a.webmanifest": "application/manifest+json", "a.avif": "image/avif", "a.mp3": "audio/mpeg",
		"a.webm": "video/webm", "a.odt": "application/vnd.oasis.opendocument.text", "a.map": "text/plain", "a.vcf": "text/plain", "a.bed": "text/plain",
		"a.asc": "text/plain", "a.npy": "application/octet-stream",
	} {
		if got := ContentType(name); got != want {
			t.Errorf("ContentType(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestContentTypes: each is a type that mime can read, and no extension stands for two in one list.
func TestContentTypes(t *testing.T) {
	seen := map[string]bool{}
	for line := range strings.Lines(webTypes) {
		words := strings.Fields(line)
		for i := 1; i < len(words); i++ {
			if seen[words[i]] {
				t.Errorf(".%s stands there twice", words[i])
			}
			seen[words[i]] = true
		}
	}
	for ext, kind := range contentTypes {
		if _, _, err := mime.ParseMediaType(kind); err != nil || ext != strings.ToLower(ext) || !strings.Contains(kind, "/") {
			t.Errorf(".%s is %q: %v", ext, kind, err)
		}
	}
}
