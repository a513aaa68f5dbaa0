package mirror

import (
	"os"

	"haul.example/haul"
	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// TransferOptions are the options for each object of a run, in any direction: each operation uses those that apply to it.
// Plans include them. The zero value is a good default.
type TransferOptions struct {
	// PartSize in bytes; 0 lets haul choose.
	PartSize int64              `json:"part_size,omitempty"`
	Checksum checksum.Algorithm `json:"checksum,omitempty"`
	Resume   haul.Resume        `json:"resume,omitempty"`
	// NoClobber makes an existing target an error.
	NoClobber bool `json:"no_clobber,omitempty"`
	// ExpectedSize of a stream in bytes, if it is known.
	ExpectedSize int64 `json:"expected_size,omitempty"`
	// IfMatch is the ETag that the object to download or to copy must have.
	IfMatch     string               `json:"if_match,omitempty"`
	Times       bool                 `json:"times,omitempty"`
	Digests     []checksum.Algorithm `json:"digests,omitempty"`
	DigestFirst bool                 `json:"digest_first,omitempty"`
	ReadTwice   bool                 `json:"read_twice,omitempty"`
	WantLayout  bool                 `json:"want_layout,omitempty"`
	// ReplaceMetadata, ReplaceTags and Annotations are for copies.
	ReplaceMetadata bool              `json:"replace_metadata,omitempty"`
	ReplaceTags     bool              `json:"replace_tags,omitempty"`
	Annotations     store.Annotations `json:"annotations,omitempty"`
	Attrs           store.Attrs       `json:"attrs,omitzero"`
	// OnOpen is called with each multipart upload that is opened.
	OnOpen func(store.Upload) `json:"-"`
	// Root is a directory that downloads, and the deletions of a move, must not leave.
	Root *os.Root `json:"-"`
}

// Upload returns the options that apply to an upload.
func (t TransferOptions) Upload() haul.UploadOptions {
	return haul.UploadOptions{
		PartSize: t.PartSize, Checksum: t.Checksum, Resume: t.Resume, NoClobber: t.NoClobber, ExpectedSize: t.ExpectedSize, Times: t.Times,
		Digests: t.Digests, DigestFirst: t.DigestFirst, WantLayout: t.WantLayout, Attrs: t.Attrs, OnOpen: t.OnOpen,
	}
}

// Download returns the options that apply to a download.
func (t TransferOptions) Download() haul.DownloadOptions {
	return haul.DownloadOptions{
		PartSize: t.PartSize, Resume: t.Resume, NoClobber: t.NoClobber, IfMatch: t.IfMatch, Times: t.Times,
		Digests: t.Digests, ReadTwice: t.ReadTwice, Attrs: t.Attrs, Root: t.Root,
	}
}

// Copy returns the options that apply to a copy.
func (t TransferOptions) Copy() haul.CopyOptions {
	return haul.CopyOptions{
		PartSize: t.PartSize, Checksum: t.Checksum, Resume: t.Resume, NoClobber: t.NoClobber, IfMatch: t.IfMatch, Digests: t.Digests, WantLayout: t.WantLayout,
		ReplaceMetadata: t.ReplaceMetadata, ReplaceTags: t.ReplaceTags, Annotations: t.Annotations, Attrs: t.Attrs, OnOpen: t.OnOpen,
	}
}
