package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

// refuseIdle refuses flags that have no meaning for a direction, rather than ignore them.
func refuseIdle(set *pflag.FlagSet, d command.Direction) error {
	var err error
	set.VisitAll(func(f *pflag.Flag) { // Visit does not know of flags that were set by another name
		if !f.Changed {
			return
		}
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
		err = command.Usagef("--%s cannot be used for %s %s", f.Name, article, d)
	})
	return err
}

// flagDirections lists the directions for which a flag has a meaning; others have one for all.
var flagDirections = func() map[string][]command.Direction {
	all := map[string][]command.Direction{
		"no-clobber":             {command.UploadFile, command.UploadStream, command.DownloadFile, command.CopyObject, command.UploadTree, command.DownloadTree, command.CopyTree},
		"adopt":                  {command.UploadFile, command.UploadTree},
		"expected-size":          {command.UploadStream},
		"digest-first":           {command.UploadFile, command.UploadTree},
		"version-id":             {command.DownloadFile, command.DownloadStream, command.CopyObject},
		"sse-c-copy-source":      {command.CopyObject, command.CopyTree},
		"sse-c-copy-source-key":  {command.CopyObject, command.CopyTree},
		"checksum-algorithm":     {command.UploadFile, command.UploadStream, command.CopyObject, command.UploadTree, command.CopyTree},
		"no-guess-mime-type":     {command.UploadFile, command.UploadStream, command.UploadTree, command.CopyObject, command.CopyTree},
		"no-overwrite":           {command.UploadFile, command.DownloadFile, command.CopyObject, command.UploadTree, command.DownloadTree, command.CopyTree},
		"dryrun":                 {command.UploadFile, command.DownloadFile, command.CopyObject, command.UploadTree, command.DownloadTree, command.CopyTree},
		"metadata-directive":     {command.CopyObject, command.CopyTree},
		"copy-props":             {command.CopyObject, command.CopyTree},
		"source-region":          {command.CopyObject, command.CopyTree},
		"source-endpoint-url":    {command.CopyObject, command.CopyTree},
		"source-profile":         {command.CopyObject, command.CopyTree},
		"source-no-sign-request": {command.CopyObject, command.CopyTree},
		"checksum-mode":          {command.DownloadFile, command.DownloadStream, command.DownloadTree},
		"follow-symlinks":        {command.UploadTree},
		"no-follow-symlinks":     {command.UploadTree},
		"case-conflict":          {command.DownloadTree},
		"exact-timestamps":       {command.DownloadTree},
		"page-size":              {command.UploadTree, command.DownloadTree, command.CopyTree},
		"times":                  {command.UploadFile, command.DownloadFile, command.UploadTree, command.DownloadTree, command.CopyTree},
		"read-twice":             {command.DownloadFile, command.DownloadStream, command.DownloadTree},
		"plan":                   {command.UploadTree, command.DownloadTree, command.CopyTree},
		"no-families":            {command.UploadTree, command.DownloadTree, command.CopyTree},
		"last":                   {command.UploadTree, command.DownloadTree, command.CopyTree},
		"files-from":             {command.UploadTree, command.DownloadTree, command.CopyTree},

		"ignore-glacier-warnings": {command.DownloadFile, command.CopyObject, command.DownloadTree, command.CopyTree},
		"force-glacier-transfer":  {command.DownloadFile, command.CopyObject, command.DownloadTree, command.CopyTree},
	}
	for _, name := range []string{"storage-class", "metadata", "tags", "content-type", "content-encoding", "content-disposition",
		"content-language", "cache-control", "expires", "acl", "grants", "website-redirect", "sse", "sse-kms-key-id"} {
		all[name] = []command.Direction{command.UploadFile, command.UploadStream, command.CopyObject, command.UploadTree, command.CopyTree}
	}
	return all
}()
