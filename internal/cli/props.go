package cli

import (
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// propFlags say what a copy within the store takes over from its source.
type propFlags struct {
	directive, props string
	sourceRegion     string
}

func (f *propFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Server-side copies", pflag.ContinueOnError)
	fs.StringVar(&f.directive, "metadata-directive", "", "use `DIRECTIVE`: COPY keeps all headers and metadata of the source, REPLACE keeps none (default: replace only those given)")
	fs.StringVar(&f.props, "copy-props", "", "copy these `PROPS` from the source: none, metadata-directive (headers and metadata), default (tags too), or all (annotations too)")
	fs.StringVar(&f.sourceRegion, "source-region", "", "the source bucket is in `REGION` (default: as reported by the server)")
	return fs
}

// parse adds what the flags describe to t. A directive comes before --copy-props, as in the AWS CLI.
func (f *propFlags) parse(set *pflag.FlagSet, t *mirror.TransferOptions) error {
	switch f.props {
	case "", "default":
	case "all":
		t.Annotations = store.CopyAnnotations
	case "metadata-directive":
		t.ReplaceTags, t.Annotations = true, store.ExcludeAnnotations
	case "none":
		t.ReplaceMetadata, t.ReplaceTags, t.Annotations = true, true, store.ExcludeAnnotations
	default:
		return command.Usagef("--copy-props must be none, metadata-directive, default or all (got %q)", f.props)
	}
	switch f.directive {
	case "":
		return nil
	case "REPLACE":
		t.ReplaceMetadata = true
		return nil
	case "COPY":
	default:
		return command.Usagef("--metadata-directive must be COPY or REPLACE (got %q)", f.directive)
	}
	t.ReplaceMetadata = false
	for _, name := range []string{"metadata", "content-type", "content-encoding", "content-disposition", "content-language", "cache-control", "expires"} {
		if set.Changed(name) {
			return command.Usagef("--%s cannot be used with --metadata-directive COPY", name)
		}
	}
	return nil
}
