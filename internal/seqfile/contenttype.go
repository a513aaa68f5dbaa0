package seqfile

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

// webTypes are of the web, of office, sound, pictures and video, as registered with IANA: a type, and its extensions. A browser
// refuses a script, a style or a font under another type.
const webTypes = `
text/javascript mjs cjs
text/html shtml
text/calendar ics
text/vtt vtt
text/x-c c h cc cpp hpp
text/x-java java
text/rtf rtf
application/manifest+json webmanifest
application/ld+json jsonld
application/geo+json geojson
application/schema+json schema
application/atom+xml atom
application/rss+xml rss
application/xhtml+xml xhtml xht
application/xslt+xml xslt
application/xml xsl xsd
application/graphql graphql
application/epub+zip epub
application/java-archive jar war ear
application/vnd.android.package-archive apk
application/vnd.debian.binary-package deb
application/x-rpm rpm
application/x-iso9660-image iso
application/x-apple-diskimage dmg
application/vnd.rar rar
application/x-lzma lzma
application/x-compress z
application/x-cpio cpio
application/postscript ps eps ai
application/x-tex tex latex
application/x-bibtex bib
application/x-httpd-php php
application/x-perl pl pm
text/x-ruby rb
text/x-go go
text/x-rust rs
application/sql sql
application/vnd.oasis.opendocument.text odt
application/vnd.oasis.opendocument.spreadsheet ods
application/vnd.oasis.opendocument.presentation odp
application/vnd.openxmlformats-officedocument.wordprocessingml.template dotx
application/vnd.openxmlformats-officedocument.spreadsheetml.template xltx
application/vnd.openxmlformats-officedocument.presentationml.slideshow ppsx
application/vnd.ms-excel.sheet.macroenabled.12 xlsm
application/vnd.ms-excel.sheet.binary.macroenabled.12 xlsb
application/vnd.apache.arrow.file arrow feather
application/vnd.apache.avro avro
application/x-msgpack msgpack
application/pkcs7-signature p7s
application/pgp-signature sig
text/plain asc
application/pgp-encrypted pgp gpg
application/x-x509-ca-cert crt cer der
application/x-pem-file pem
application/pkcs8 p8
application/octet-stream exe dll so dylib img dump npy npz pkl pt onnx safetensors ckpt
font/woff woff
font/woff2 woff2
font/ttf ttf
font/otf otf
font/collection ttc
application/vnd.ms-fontobject eot
image/vnd.microsoft.icon ico cur
image/avif avif
image/apng apng
image/bmp bmp
image/heic heic
image/heif heif
image/jp2 jp2
image/jxl jxl
image/jpeg jpe jfif
image/svg+xml svgz
image/x-portable-pixmap ppm
image/x-portable-graymap pgm
image/vnd.adobe.photoshop psd
audio/aac aac
audio/flac flac
audio/midi mid midi
audio/mp4 m4a
audio/mpeg mp3
audio/ogg oga ogg opus
audio/wav wav
audio/webm weba
audio/aiff aif aiff
video/mp4 m4v
video/mp2t ts
video/mpeg mpg mpeg
video/ogg ogv
video/quicktime mov qt
video/webm webm
video/x-matroska mkv
video/x-msvideo avi
video/x-ms-wmv wmv
video/x-flv flv
video/3gpp 3gp
application/vnd.apple.mpegurl m3u8
application/dash+xml mpd
application/vnd.google-earth.kml+xml kml
application/vnd.google-earth.kmz kmz
model/gltf+json gltf
model/gltf-binary glb
model/stl stl
chemical/x-pdb pdb
chemical/x-mmcif cif mmcif
chemical/x-mdl-sdfile sdf
`

var contentTypes = func() map[string]string {
	all := maps.Clone(otherTypes)
	for line := range strings.Lines(webTypes) {
		words := strings.Fields(line)
		for i := 1; i < len(words); i++ {
			all[words[i]] = words[0]
		}
	}
	for _, ext := range strings.Fields(plainTypes) {
		all[ext] = plainText
	}
	for _, ext := range strings.Fields(octetTypes) {
		all[ext] = octets
	}
	return all
}()

// ContentType gives the content type that a name's extension stands for, or nothing.
func ContentType(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	i := strings.LastIndexByte(name, '.')
	if i <= 0 { // a leading dot hides a file; it begins no extension
		return ""
	}
	return contentTypes[strings.ToLower(name[i+1:])]
}
