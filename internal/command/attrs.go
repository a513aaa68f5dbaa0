package command

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// ParseMetadata parses user metadata: NAME=VALUE,NAME=VALUE, where a value with a comma stands in double quotes, or a JSON
// object of strings.
func ParseMetadata(text string) (map[string]string, error) {
	all, err := parsePairs("--metadata", text)
	if err != nil {
		return nil, err
	}
	for name, value := range all {
		if !isHeaderName(name) {
			return nil, Usagef("--metadata: %q is not a valid metadata name; use letters, digits, - and _", name)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, Usagef("--metadata: the value of %s has a line break", name)
		}
	}
	return all, nil
}

// S3 allows an object ten tags (API reference, PutObjectTagging).
const maxTags = 10

// ParseTags parses tags: NAME=VALUE,NAME=VALUE, or NAME=VALUE&NAME=VALUE with percent signs as S3's header has it, or a JSON object.
func ParseTags(text string) (map[string]string, error) {
	all, err := ParseTagPairs(text)
	if err != nil {
		return nil, err
	}
	if len(all) > maxTags {
		return nil, Usagef("--tags: got %d tags; an object can have at most %d", len(all), maxTags)
	}
	return all, nil
}

func ParseTagPairs(text string) (map[string]string, error) {
	if !strings.Contains(text, "&") || strings.HasPrefix(text, "{") {
		return parsePairs("--tags", text)
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, Usagef("--tags: %v", err)
	}
	all := map[string]string{}
	for name, v := range values {
		if name == "" || len(v) != 1 {
			return nil, Usagef("--tags: each tag needs one name and one value: NAME=VALUE")
		}
		all[name] = v[0]
	}
	return all, nil
}

func parsePairs(flag, text string) (map[string]string, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		var all map[string]string
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			return nil, Usagef("%s: not a JSON object of strings: %v", flag, err)
		}
		return all, nil
	}
	all := map[string]string{}
	for _, item := range SplitCommas(text) {
		name, value, ok := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, Usagef("%s: %q is not NAME=VALUE", flag, item)
		}
		if _, twice := all[name]; twice {
			return nil, Usagef("%s: %s is given twice", flag, name)
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = strings.ReplaceAll(value[1:n-1], `\"`, `"`)
		}
		all[name] = value
	}
	return all, nil
}

// SplitCommas splits at the commas outside of double quotes.
func SplitCommas(text string) []string {
	var items []string
	quoted, from := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"' && (quoted || i > 0 && text[i-1] == '='):
			quoted = !quoted
		case text[i] == ',' && !quoted:
			items, from = append(items, text[from:i]), i+1
		}
	}
	return append(items, text[from:])
}

func isHeaderName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.!#$%&'*+^`|~", r) {
			return false
		}
	}
	return s != ""
}

// ParseGrants parses PERMISSION=GRANTEE words; the last of a permission counts, as in the AWS CLI.
func ParseGrants(words []string) (g store.Grants, err error) {
	for _, w := range words {
		permission, grantee, ok := strings.Cut(w, "=")
		if !ok || grantee == "" {
			return g, Usagef("--grants: %q is not PERMISSION=GRANTEE", w)
		}
		switch permission {
		case "read":
			g.Read = grantee
		case "full":
			g.FullControl = grantee
		case "readacl":
			g.ReadACP = grantee
		case "writeacl":
			g.WriteACP = grantee
		default:
			return g, Usagef("--grants: the permission must be read, readacl, writeacl or full (got %q)", permission)
		}
	}
	return g, nil
}

// ParseDate parses the date of an Expires header, and writes it as HTTP wants it (RFC 9110, section 5.6.7).
func ParseDate(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if t, err := http.ParseTime(text); err == nil {
		return t.UTC().Format(http.TimeFormat), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(http.TimeFormat), nil
		}
	}
	return "", Usagef("--expires: %q is not a date; write it like 2030-01-31 or 2030-01-31T12:00:00Z", text)
}

// ParseChecksum parses the name of an algorithm. No name leaves the choice to haul, unless
// AWS_REQUEST_CHECKSUM_CALCULATION=when_required asks for none of the newer ones.
func ParseChecksum(name string) (checksum.Algorithm, error) {
	if name == "" && strings.EqualFold(os.Getenv("AWS_REQUEST_CHECKSUM_CALCULATION"), "when_required") {
		return checksum.MD5, nil // what S3 has always checked
	}
	if name == "" {
		return checksum.None, nil
	}
	a, err := checksum.Parse(strings.TrimSpace(name))
	if err != nil || a == checksum.None {
		return checksum.None, Usagef("--checksum-algorithm must be one of %s (got %q)", checksum.Names(), name)
	}
	return a, nil
}
