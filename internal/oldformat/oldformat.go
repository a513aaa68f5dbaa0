// Package oldformat reads what haul wrote when its formats still had the names of Go's fields: journals, plans and array
// plans of version 1. [Rename] changes each field to the name that it has now. Current names stay as they are, so that it
// may be called for any version.
//
// This package only grows when the format of a file changes, and nothing else needs it.
package oldformat

import (
	"bytes"
	"encoding/json"
)

// names are those of version 1, and their current ones. Those of one word need not be here: encoding/json finds them
// whatever their case.
var names = map[string]string{
	// store.Attrs
	"StorageClass": "storage_class", "RequestPayer": "request_payer", "PageSize": "page_size",
	"ContentType": "content_type", "ContentEncoding": "content_encoding", "ContentDisposition": "content_disposition",
	"ContentLanguage": "content_language", "CacheControl": "cache_control",
	"FullControl": "full_control", "ReadACP": "read_acp", "WriteACP": "write_acp",
	"KMSKeyID": "kms_key_id", "CopySource": "copy_source",
	// haul.Transfer and haul.Shared
	"PartSize": "part_size", "NoClobber": "no_clobber", "ExpectedSize": "expected_size", "IfMatch": "if_match", "DigestFirst": "digest_first",
	"ReadTwice": "read_twice", "WantLayout": "want_layout", "ReplaceMetadata": "replace_metadata", "ReplaceTags": "replace_tags",
}

// resumes are the values of Resume, by the numbers that version 1 has for them.
var resumes = map[json.Number]string{"0": "", "1": "never", "2": "adopt"}

// free are objects whose fields have names of the user's own.
var free = map[string]bool{"Metadata": true, "metadata": true, "Tags": true, "tags": true}

// Rename returns a JSON text with its fields under the names that they have now. What is not JSON comes back as it is.
func Rename(text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return text
	}
	b, err := json.Marshal(renamed(v))
	if err != nil {
		return text
	}
	return b
}

func renamed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			n, isNumber := value.(json.Number)
			switch {
			case free[name]:
				out[name] = value
			case name == "Resume" && isNumber:
				out["resume"] = resumes[n]
			case names[name] != "":
				out[names[name]] = renamed(value)
			default:
				out[name] = renamed(value)
			}
		}
		return out
	case []any:
		for i := range v {
			v[i] = renamed(v[i])
		}
	}
	return v
}
