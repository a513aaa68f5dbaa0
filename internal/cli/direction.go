package cli

import (
	"strings"

	"github.com/spf13/pflag"
)

// direction is what a pair of locations asks for.
type direction string

const (
	upload         direction = "upload"
	uploadStream   direction = "upload of a stream"
	download       direction = "download"
	downloadStream direction = "download to a stream"
	copyObject     direction = "copy"
	uploadTree     direction = "upload of a folder"
	downloadTree   direction = "download of a folder"
	copyTree       direction = "copy of a folder"
)

// verb is the direction's word in results.
func (d direction) verb() string {
	switch d {
	case uploadStream, uploadTree:
		return string(upload)
	case downloadStream, downloadTree:
		return string(download)
	case copyTree:
		return string(copyObject)
	}
	return string(d)
}

// many reports whether it is about more than one object.
func (d direction) many() bool { return d == uploadTree || d == downloadTree || d == copyTree }

// refuseIdle refuses flags that have no meaning for a direction, so that nobody believes they had.
func refuseIdle(set *pflag.FlagSet, d direction) error {
	var err error
	set.Visit(func(f *pflag.Flag) {
		where, ok := flagDirections[f.Name]
		if !ok || err != nil {
			return
		}
		for _, w := range where {
			if w == d {
				return
			}
		}
		article := "a"
		if strings.HasPrefix(string(d), "u") {
			article = "an"
		}
		err = usagef("--%s cannot be used for %s %s", f.Name, article, d)
	})
	return err
}

// flagDirections tells where a flag has a meaning; the others have one everywhere.
var flagDirections = func() map[string][]direction {
	all := map[string][]direction{
		"no-clobber":            {upload, uploadStream, download, copyObject, uploadTree, downloadTree, copyTree},
		"adopt":                 {upload, uploadTree},
		"expected-size":         {uploadStream},
		"digest-first":          {upload, uploadTree},
		"version-id":            {download, downloadStream, copyObject},
		"sse-c-copy-source":     {copyObject, copyTree},
		"sse-c-copy-source-key": {copyObject, copyTree},
		"checksum-algorithm":    {upload, uploadStream, copyObject, uploadTree, copyTree},
		"no-guess-mime-type":    {upload, uploadStream, uploadTree, copyObject, copyTree},
		"no-overwrite":          {upload, download, copyObject, uploadTree, downloadTree, copyTree},
		"dryrun":                {upload, download, copyObject, uploadTree, downloadTree, copyTree},
		"metadata-directive":    {copyObject, copyTree},
		"copy-props":            {copyObject, copyTree},
		"source-region":         {copyObject, copyTree},
		"checksum-mode":         {download, downloadStream, downloadTree},
		"follow-symlinks":       {uploadTree},
		"no-follow-symlinks":    {uploadTree},
		"case-conflict":         {downloadTree},
		"exact-timestamps":      {downloadTree},
		"page-size":             {uploadTree, downloadTree, copyTree},
		"times":                 {upload, download, uploadTree, downloadTree, copyTree},
		"read-twice":            {download, downloadStream, downloadTree},
		"plan":                  {uploadTree, downloadTree, copyTree},
		"no-families":           {uploadTree, downloadTree, copyTree},
		"last":                  {uploadTree, downloadTree, copyTree},
		"files-from":            {uploadTree, downloadTree, copyTree},

		"ignore-glacier-warnings": {download, copyObject, downloadTree, copyTree},
		"force-glacier-transfer":  {download, copyObject, downloadTree, copyTree},
	}
	for _, name := range []string{"storage-class", "metadata", "tags", "content-type", "content-encoding", "content-disposition",
		"content-language", "cache-control", "expires", "acl", "grants", "website-redirect", "sse", "sse-kms-key-id"} {
		all[name] = []direction{upload, uploadStream, copyObject, uploadTree, copyTree}
	}
	return all
}()
