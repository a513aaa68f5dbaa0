package awsline

import (
	"regexp"
	"slices"
	"strings"

	"haul.example/haul/internal/localfile"
)

const scheme = "s3://"

// outpostBucket tells the bucket of an Outpost from its access points.
var outpostBucket = regexp.MustCompile(`:outpost[/:][^/:]+[/:]bucket[/:]`)

// check refuses what no run could mean.
func (l *Line) check() error {
	for _, p := range l.Paths {
		switch {
		case !strings.HasPrefix(p, scheme+"arn:"):
		case strings.Contains(p, ":s3-object-lambda:"):
			return refused("s3 commands do not support S3 Object Lambda resources. Use s3api commands instead.")
		case strings.Contains(p, ":s3-outposts:") && outpostBucket.MatchString(p):
			return refused("s3 commands do not support Outpost Bucket ARNs. Use s3control commands instead.")
		}
	}
	switch l.Verb {
	case "mb", "rb":
		return l.checkBucket()
	case "cp", "mv", "sync", "rm":
		return l.checkTransfer()
	}
	return nil
}

func (l *Line) checkBucket() error {
	path := l.Paths[0]
	if !strings.HasPrefix(path, scheme) {
		return refused("<S3Uri>\nError: Invalid argument type")
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, scheme), "/")
	if l.Verb == "rb" && key != "" {
		return refused("Please specify a valid bucket name only. E.g. s3://%s", bucket)
	}
	if l.Verb == "mb" && strings.HasSuffix(bucket, "--x-s3") {
		return refused("Cannot use mb command with a directory bucket.")
	}
	return nil
}

func (l *Line) checkTransfer() error {
	if err := l.kind(); err != nil {
		return err
	}
	for i, p := range l.Paths { // s3://bucket is s3://bucket/
		if rest, ok := strings.CutPrefix(p, scheme); ok && !strings.Contains(rest, "/") {
			l.Paths[i] = p + "/"
		}
	}
	if slices.Contains(l.Paths, "-") && (l.Verb != "cp" || l.Options.Has("recursive")) {
		return refused("Streaming currently is only compatible with non-recursive cp commands")
	}
	if l.Options.Has("no-overwrite") && l.Kind == Download && l.Paths[1] == "-" {
		return refused("--no-overwrite parameter is not supported for streaming downloads")
	}
	if l.Verb == "mv" && l.Kind == Copy && onto(l.Paths[0], l.Paths[1]) {
		return refused("Cannot mv a file onto itself: '%s' - '%s'", l.Paths[0], l.Paths[1])
	}
	if err := l.checksumPaths(); err != nil {
		return err
	}
	for _, kind := range []string{"sse-c", "sse-c-copy-source"} {
		has, key := l.Options.Has(kind), l.Options.Text(kind+"-key") != ""
		if has && !key {
			return refused("If --%s is specified, --%s-key must be specified as well.", kind, kind)
		}
		if key && !has {
			return refused("If --%s-key is specified, --%s must be specified as well.", kind, kind)
		}
	}
	if l.Options.Has("sse-c-copy-source") && l.Kind != Copy {
		return refused("--sse-c-copy-source is only supported for copy operations.")
	}
	if l.Verb == "sync" && slices.ContainsFunc(l.Paths, isDirectoryBucket) {
		return refused("Cannot use sync command with a directory bucket.")
	}
	if c := l.Options.Text("case-conflict"); l.Unsorted() && (c == "skip" || c == "error") {
		return refused("`%s` is not a valid value for `--case-conflict` when operating on S3 Express directory buckets. "+
			"Valid values: `warn`, `ignore`.", c)
	}
	return nil
}

// Unsorted reports whether a line downloads many objects from a directory bucket, whose listings have no order: names that differ only
// by case are not recognized there.
func (l *Line) Unsorted() bool {
	return l.Kind == Download && l.Options.Has("recursive") && isDirectoryBucket(l.Paths[0])
}

// kind finds the kind of the paths, and refuses those that the verb has no meaning for.
func (l *Line) kind() error {
	var remote []bool
	for _, p := range l.Paths {
		remote = append(remote, strings.HasPrefix(p, scheme))
	}
	switch {
	case l.Verb == "rm" && remote[0]:
		l.Kind = Remote
	case l.Verb == "rm":
	case remote[0] && remote[1]:
		l.Kind = Copy
	case remote[0]:
		l.Kind = Download
	case remote[1]:
		l.Kind = Upload
	}
	if l.Kind == "" {
		return refused("usage: aws s3 %s %s\nError: Invalid argument type", l.Verb, command(l.Verb).Usage)
	}
	for _, p := range l.Paths {
		if s := localfile.Scheme(p); s != "" && s != "s3" {
			return refused("%s is an address, and only local paths and s3:// can be read and written; a local file of that name is ./%s", p, p)
		}
	}
	return nil
}

// checksumPaths refuses options of checksums where the paths give them no meaning.
func (l *Line) checksumPaths() error {
	shown := map[PathKind]string{Upload: "<LocalPath> <S3Uri>", Copy: "<S3Uri> <S3Uri>", Download: "<S3Uri> <LocalPath>", Remote: "<S3Uri>"}
	for _, rule := range []struct {
		option string
		kinds  []PathKind
	}{{"checksum-algorithm", []PathKind{Upload, Copy}}, {"checksum-mode", []PathKind{Download}}} {
		if !l.Options.Has(rule.option) || slices.Contains(rule.kinds, l.Kind) {
			continue
		}
		var may []string
		for _, k := range rule.kinds {
			may = append(may, shown[k])
		}
		return refused("Expected %s parameter to be used with one of following path formats: %s. Instead, received %s.",
			rule.option, strings.Join(may, ", "), shown[l.Kind])
	}
	return nil
}

// onto reports whether an object would be moved onto itself.
func onto(from, to string) bool {
	if strings.HasSuffix(to, "/") {
		return from == to || from == to+from[strings.LastIndexByte(from, '/')+1:]
	}
	return from == to
}

func isDirectoryBucket(path string) bool {
	rest, ok := strings.CutPrefix(path, scheme)
	bucket, _, _ := strings.Cut(rest, "/")
	return ok && strings.HasSuffix(bucket, "--x-s3")
}
