package cli

import (
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
)

// propFlags say where the source of a copy is, and what the copy takes over from it.
type propFlags struct {
	directive, props string
	source           command.SourceStore
}

func (f *propFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Copies between buckets and stores", pflag.ContinueOnError)
	fs.StringVar(&f.directive, "metadata-directive", "", "use `DIRECTIVE`: COPY keeps all headers and metadata of the source, REPLACE keeps none (default: replace only those given)")
	fs.StringVar(&f.props, "copy-props", "", "copy these `PROPS` from the source: none, metadata-directive (headers and metadata), default (tags too), or all (annotations too)")
	fs.StringVar(&f.source.Region, "source-region", "", "the source bucket is in `REGION` (default: as reported by the server)")
	fs.StringVar(&f.source.Endpoint, "source-endpoint-url", "", "the source is in the store at the endpoint `URL`; what is copied passes through this machine")
	fs.StringVar(&f.source.Profile, "source-profile", "", "read the source with the profile `NAME` from ~/.aws")
	fs.BoolVar(&f.source.NoSignRequest, "source-no-sign-request", false, "do not sign requests to the source's store (for public data)")
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
