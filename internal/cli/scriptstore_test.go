package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"haul.example/haul/internal/seqfile/seqtest"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func refOf(ts *testscript.TestScript, url string) store.Ref {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(url, "s3://"), "/")
	if !ok {
		ts.Fatalf("%s names no object", url)
	}
	return store.Ref{Bucket: bucket, Key: key}
}

// sampleCmd makes a file of the field.
func sampleCmd(ts *testscript.TestScript, _ bool, args []string) {
	bam := seqtest.BAM("chr1", "chr2")
	b, ok := map[string][]byte{
		"bam": bam, "cut-bam": bam[:len(bam)-28], "bai": seqtest.BAI(2), "bai-of-7": seqtest.BAI(7), "unmapped-bam": seqtest.BAM(),
		"vcf": seqtest.BGZF(seqtest.VCF(10)), "plain-vcf": seqtest.Gzip(seqtest.VCF(10)), "fastq": seqtest.Gzip(seqtest.FASTQ(10)),
	}[args[0]]
	if !ok {
		ts.Fatalf("there is no sample %s", args[0])
	}
	file := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o777))
	ts.Check(os.WriteFile(file, b, 0o600))
}

func bucketCmd(r *room, _ *testscript.TestScript, args []string) { r.memory.CreateBucket(args[0]) }

func putCmd(r *room, ts *testscript.TestScript, args []string) {
	ref, n := refOf(ts, args[0]), 1
	var how storetest.Made
	if len(args) > 2 {
		how.Attrs = &store.Attrs{StorageClass: args[2]}
	}
	name, many, ok := strings.Cut(ref.Key, "*")
	if ok {
		var err error
		n, err = strconv.Atoi(many)
		ts.Check(err)
	}
	for i := range n {
		if ok {
			ref.Key = fmt.Sprintf("%s%05d", name, i)
		}
		r.memory.Make(ref, bytes.NewReader([]byte(args[1])), how)
	}
}

func bucketsCmd(r *room, ts *testscript.TestScript, _ []string) {
	for b, err := range r.memory.Buckets(context.Background(), store.BucketQuery{}) {
		ts.Check(err)
		fmt.Fprintf(ts.Stdout(), "%s region %q tags %v website %q\n", b.Name, b.Region, r.memory.BucketTags(b.Name), r.memory.Website(b.Name))
	}
}

func sameCmd(r *room, ts *testscript.TestScript, args []string) {
	ref := refOf(ts, args[0])
	if !r.memory.Exists(ref) {
		ts.Fatalf("%s is not there", ref)
	}
	want, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if !bytes.Equal(r.memory.Bytes(ref), want) {
		ts.Fatalf("%s and %s differ", args[0], args[1])
	}
}

// objectCmd prints one thing a line, and nothing where there is no object.
func objectCmd(r *room, ts *testscript.TestScript, args []string) {
	ref := refOf(ts, args[0])
	w := ts.Stdout()
	if !r.memory.Exists(ref) {
		fmt.Fprintln(w, "no such object")
		return
	}
	o := r.memory.Object(ref)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s: %s\n", name, value)
		}
	}
	h := o.Attrs.Headers
	line("size", fmt.Sprint(o.Size))
	line("content-type", h.ContentType)
	line("content-encoding", h.ContentEncoding)
	line("content-disposition", h.ContentDisposition)
	line("content-language", h.ContentLanguage)
	line("cache-control", h.CacheControl)
	line("expires", h.Expires)
	line("storage-class", o.StorageClass)
	line("encryption", o.Encryption)
	printMap(w, "metadata", o.Attrs.Metadata)
	tags, err := r.memory.Tags(context.Background(), ref, &store.Attrs{RequestPayer: "requester"})
	ts.Check(err)
	printMap(w, "tag", tags)
	for _, s := range o.Sums {
		line("sum", s.String())
	}
}

func printMap(w io.Writer, name string, m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(w, "%s: %s=%s\n", name, k, m[k])
	}
}

func countsCmd(r *room, ts *testscript.TestScript, args []string) {
	fmt.Fprintln(ts.Stdout(), r.memory.Counts()[storetest.Op(args[0])].Calls)
}
