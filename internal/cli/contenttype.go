package cli

import (
	"maps"
	"strings"
)

// The types by extension, lower case. Text formats of the field are plain text, so that a browser shows them; binary ones and
// their indexes are plain bytes; what is compressed says so, since it is stored without a Content-Encoding. The lists are
// our own and not the machine's, so that the same line stores the same object everywhere.
const (
	plainText = "text/plain"
	octets    = "application/octet-stream"

	plainTypes = `fastq fq fasta fa fna faa ffn frn fai sam vcf maf gff gff3 gtf bed bedgraph bedpe narrowpeak broadpeak wig psl
		paf gfa agp ped map fam bim dict interval_list intervals chain sizes md5 md5sum sha1 sha256 txt text log out
		err conf cfg ini cwl wdl nf smk dot nwk newick phy stockholm sto aln embl gb gbk genbank list`
	octetTypes = `bam cram bcf bai tbi csi pbi gzi sra 2bit bw bigwig bb bigbed pod5 fast5 slow5 blow5 bcl bgen pgen cbcl bin
		mmi bwt sa pac ann amb idx loom`
)

var otherTypes = map[string]string{
	"crai":    "application/gzip",
	"gz":      "application/gzip",
	"bgz":     "application/gzip",
	"bgzf":    "application/gzip",
	"tgz":     "application/gzip",
	"bz2":     "application/x-bzip2",
	"tbz":     "application/x-bzip2",
	"xz":      "application/x-xz",
	"txz":     "application/x-xz",
	"zst":     "application/zstd",
	"lz4":     "application/x-lz4",
	"zip":     "application/zip",
	"7z":      "application/x-7z-compressed",
	"tar":     "application/x-tar",
	"h5":      "application/x-hdf5",
	"hdf5":    "application/x-hdf5",
	"h5ad":    "application/x-hdf5",
	"h5mu":    "application/x-hdf5",
	"nc":      "application/x-netcdf",
	"parquet": "application/vnd.apache.parquet",
	"csv":     "text/csv",
	"tsv":     "text/tab-separated-values",
	"tab":     "text/tab-separated-values",
	"html":    "text/html",
	"htm":     "text/html",
	"css":     "text/css",
	"md":      "text/markdown",
	"js":      "text/javascript",
	"xml":     "application/xml",
	"json":    "application/json",
	"jsonl":   "application/jsonl",
	"ndjson":  "application/x-ndjson",
	"yaml":    "application/yaml",
	"yml":     "application/yaml",
	"toml":    "application/toml",
	"sh":      "application/x-sh",
	"py":      "text/x-python",
	"r":       "text/plain",
	"rmd":     "text/markdown",
	"ipynb":   "application/x-ipynb+json",
	"sqlite":  "application/vnd.sqlite3",
	"db":      "application/vnd.sqlite3",
	"pdf":     "application/pdf",
	"png":     "image/png",
	"jpg":     "image/jpeg",
	"jpeg":    "image/jpeg",
	"gif":     "image/gif",
	"svg":     "image/svg+xml",
	"tif":     "image/tiff",
	"tiff":    "image/tiff",
	"webp":    "image/webp",
	"mp4":     "video/mp4",
	"wasm":    "application/wasm",
	"dcm":     "application/dicom",
	"doc":     "application/msword",
	"docx":    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xls":     "application/vnd.ms-excel",
	"xlsx":    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"ppt":     "application/vnd.ms-powerpoint",
	"pptx":    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

var contentTypes = func() map[string]string {
	all := maps.Clone(otherTypes)
	for _, ext := range strings.Fields(plainTypes) {
		all[ext] = plainText
	}
	for _, ext := range strings.Fields(octetTypes) {
		all[ext] = octets
	}
	return all
}()

// guessType gives the content type that a name's extension stands for, or nothing.
func guessType(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	i := strings.LastIndexByte(name, '.')
	if i <= 0 { // a leading dot hides a file; it begins no extension
		return ""
	}
	return contentTypes[strings.ToLower(name[i+1:])]
}
