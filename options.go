package haul

import (
	"os"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/localfile"
	"haul.example/haul/store"
)

// Resume selects what a transfer does with the data that an earlier, unfinished run left.
type Resume string

const (
	// ResumeAuto resumes if an earlier run left a record, and keeps what is needed to resume this one.
	ResumeAuto Resume = ""
	// ResumeNever starts over, and leaves nothing behind on failure.
	ResumeNever Resume = "never"
	// ResumeAdopt is ResumeAuto; but if there is no record, an upload takes over the newest open upload of the same key
	// with all its parts that match the file. For a download it is ResumeAuto.
	ResumeAdopt Resume = "adopt"
)

// UploadOptions are the options of an upload. The zero value is a good default.
type UploadOptions struct {
	// PartSize in bytes; 0 lets haul choose.
	PartSize int64
	// Checksum is the algorithm to use; None is the best that the store supports, preferably CRC64NVME. If the store does not
	// support the algorithm, the error is of kind store.ChecksumRefused.
	Checksum checksum.Algorithm
	// Resume applies to Upload. UploadStream and UploadReaderAt cannot be resumed, and leave nothing behind on failure.
	Resume Resume
	// NoClobber makes an existing object an error of kind store.Exists.
	NoClobber bool
	// ExpectedSize of a stream in bytes, if it is known; 0 is unknown. It need not be exact: it only keeps a huge stream from
	// needing too many parts.
	ExpectedSize int64
	// Times saves the file's modification time in the object's metadata.
	Times bool
	// Digests are computed of all bytes during the transfer, each on its own core, for Result.Digests. MD5 goes into the
	// metadata of an object that is stored by one request, under the names that rclone and s3cmd read, and the size of its
	// parts into that of a file in parts (haul-part-size).
	Digests []checksum.Algorithm
	// DigestFirst reads a large file once before it is sent, so that its MD5 can be saved in the metadata, which is fixed
	// when a multipart upload is opened. A stream cannot be read twice, so for a stream this is an error of kind
	// store.Invalid.
	DigestFirst bool
	// WantLayout asks for Result.Layout.
	WantLayout bool
	// Attrs are stored with the object, or sent with each request.
	Attrs store.Attrs
	// OnOpen is called with each multipart upload that is opened, before its first part is sent, so that a caller that may be
	// killed at any moment can record the upload to abort. It may be nil.
	OnOpen func(store.Upload)
	// OnProgress is called with the progress of the transfer; see [TransferProgress]. It may be nil.
	OnProgress func(TransferProgress)
}

// DownloadOptions are the options of a download. The zero value is a good default.
type DownloadOptions struct {
	// PartSize is that of the ranges, in bytes; 0 lets haul choose.
	PartSize int64
	// IfMatch is the ETag that the object must have; another is an error of kind store.Changed. If it is empty, the first
	// response determines the state of the object that is downloaded.
	IfMatch string
	// Digests are computed of all bytes during the transfer, each on its own core, for Result.Digests.
	Digests []checksum.Algorithm
	// ReadTwice downloads the bytes twice if the store has no checksum for them: they are verified if both reads agree.
	ReadTwice bool
	// Attrs are sent with each request; only RequestPayer and the customer's key are used.
	Attrs store.Attrs
	// OnProgress is called with the progress of the transfer; see [TransferProgress]. It may be nil.
	OnProgress func(TransferProgress)

	// The rest is for Download; a stream and an io.WriterAt have no use for it.

	// Listed is the object as a listing returned it; nil if there was no listing. A small object then costs one request,
	// whose response also has the checksums, and leaves no record, which would cost more than downloading it again. The error
	// is of kind store.Changed if the object has changed since it was listed.
	Listed *store.Object
	// Resume selects what to do with an earlier, unfinished download, and with this one if it fails.
	Resume Resume
	// NoClobber makes an existing file an error with fs.ErrExist in its chain.
	NoClobber bool
	// Times restores the modification time that an upload saved in the object's metadata. Otherwise, or if there is none, the
	// file gets the object's modification time.
	Times bool
	// Root is a directory that must contain the file: the file's path begins with Root.Name(), which is absolute, and nothing
	// outside Root is written, renamed or removed, even if another process replaces a directory on the path with a link. Nil
	// allows any path.
	Root *os.Root
}

// CopyOptions are the options of a copy. The zero value is a good default.
type CopyOptions struct {
	// PartSize in bytes; 0 lets haul choose: the parts of the source, if the store reports and accepts them.
	PartSize int64
	// Resume applies to CopyFrom; a copy within a store is not resumed. ResumeAdopt is ResumeAuto.
	Resume Resume
	// Checksum is the algorithm that the store must use to compute the checksum of the copy. None leaves the choice to the
	// store, unless nothing else can verify the copy.
	Checksum checksum.Algorithm
	// NoClobber makes an existing object an error of kind store.Exists.
	NoClobber bool
	// IfMatch is the ETag that the source must have; another is an error of kind store.Changed.
	IfMatch string
	// Listed is for CopyFrom the source as a listing returned it; nil if there was none. A small object then costs a request less. The
	// error is of kind store.Changed if it has changed since it was listed.
	Listed *store.Object
	// Digests are the algorithms for Result.Digests. Copy downloads nothing, so it returns only digests that the store recorded;
	// CopyFrom computes them.
	Digests []checksum.Algorithm
	// WantLayout asks for Result.Layout.
	WantLayout bool
	// ReplaceMetadata gives the copy only the headers and metadata in Attrs; ReplaceTags only the tags in Attrs.
	ReplaceMetadata bool
	ReplaceTags     bool
	// Annotations says whether annotations are copied too. If a store has none, CopyAnnotations is an error of kind
	// store.Unsupported, and nothing is copied.
	Annotations store.Annotations
	Attrs       store.Attrs
	// OnOpen is called with each multipart upload that is opened, as in UploadOptions. It may be nil.
	OnOpen func(store.Upload)
	// OnProgress is called with the progress of the transfer; see [TransferProgress]. It may be nil.
	OnProgress func(TransferProgress)
}

// transferOptions are those of any transfer.
type transferOptions struct {
	partSize        int64
	checksum        checksum.Algorithm
	resume          Resume
	noClobber       bool
	expectedSize    int64
	ifMatch         string
	times           bool
	digests         []checksum.Algorithm
	digestFirst     bool
	readTwice       bool
	wantLayout      bool
	replaceMetadata bool
	replaceTags     bool
	annotations     store.Annotations
	attrs           store.Attrs
	onOpen          func(store.Upload)
	onProgress      func(TransferProgress)
	root            *os.Root
}

func (o UploadOptions) all() transferOptions {
	return transferOptions{
		partSize: o.PartSize, checksum: o.Checksum, resume: o.Resume, noClobber: o.NoClobber, expectedSize: o.ExpectedSize, times: o.Times,
		digests: o.Digests, digestFirst: o.DigestFirst, wantLayout: o.WantLayout, attrs: o.Attrs, onOpen: o.OnOpen, onProgress: o.OnProgress,
	}
}

func (o DownloadOptions) all() transferOptions {
	return transferOptions{
		partSize: o.PartSize, resume: o.Resume, noClobber: o.NoClobber, ifMatch: o.IfMatch, times: o.Times,
		digests: o.Digests, readTwice: o.ReadTwice, attrs: o.Attrs, onProgress: o.OnProgress, root: o.Root,
	}
}

func (o CopyOptions) all() transferOptions {
	return transferOptions{
		partSize: o.PartSize, checksum: o.Checksum, resume: o.Resume, noClobber: o.NoClobber, ifMatch: o.IfMatch, digests: o.Digests, wantLayout: o.WantLayout,
		replaceMetadata: o.ReplaceMetadata, replaceTags: o.ReplaceTags, annotations: o.Annotations, attrs: o.Attrs, onOpen: o.OnOpen, onProgress: o.OnProgress,
	}
}

// below returns where a download may write.
func (o transferOptions) below() localfile.Below { return localfile.Below{Root: o.root} }
