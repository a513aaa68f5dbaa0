package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/checksum"
	"haul.example/haul/internal/command"
)

// digestList is a flag with names of digests, with commas between or repeated.
type digestList struct{ algorithms []checksum.Algorithm }

// Set adds.
func (d *digestList) Set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		a, err := checksum.Parse(strings.ReplaceAll(strings.TrimSpace(name), "-", ""))
		if err != nil || a == checksum.None {
			return command.Usagef("digests must be md5, sha256, sha1, sha512, crc64nvme, crc32c, crc32, xxhash3, xxhash128 or xxhash64 (got %q)", name)
		}
		if !slices.Contains(d.algorithms, a) {
			d.algorithms = append(d.algorithms, a)
		}
	}
	return nil
}

// Type names the value in help.
func (d *digestList) Type() string { return "LIST" }

// String is the default, which is none.
func (d *digestList) String() string { return "" }

// digestFlags are about digests and receipts.
type digestFlags struct {
	list    digestList
	first   bool
	receipt string
}

const receiptUsage = "append each object's size and checksums to `FILE` (see haul receipt --help)"

func (f *digestFlags) add(fs *pflag.FlagSet) {
	fs.Var(&f.list, "digest", "also compute the digests in `LIST`, such as md5,sha256 (MD5 runs at about 0.6 GB/s per core)")
	fs.BoolVar(&f.first, "digest-first", false, "read each file once before its multipart upload starts, to save its MD5 in the object's metadata")
	fs.StringVar(&f.receipt, "receipt", "", receiptUsage)
}

// check refuses what makes no sense.
func (f *digestFlags) check(req command.CopyRequest, dry bool) error {
	switch {
	case f.first && !slices.Contains(f.list.algorithms, checksum.MD5):
		return command.Usagef("--digest-first is about the md5: it needs --digest md5")
	case f.receipt == "":
		return nil
	case dry:
		return command.Usagef("--receipt cannot be used if nothing is transferred; haul apply --receipt writes one for a plan")
	case f.receipt == "-":
		return command.Usagef("--receipt needs a file: standard output has the results")
	case req.Direction == command.UploadTree && within(req.From.Text, f.receipt):
		return command.Usagef("the receipt %s is in the folder that is being uploaded; write it elsewhere", f.receipt)
	}
	return nil
}

// within reports whether a path lies in a folder.
func within(dir, path string) bool {
	root, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(root, file)
	return err == nil && filepath.IsLocal(rel)
}
