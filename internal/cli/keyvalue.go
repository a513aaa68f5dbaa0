package cli

import (
	"encoding/json"
	"net/url"
	"strings"
)

// parseMetadata reads user metadata: NAME=VALUE,NAME=VALUE, where a value with a comma stands in double quotes, or a JSON
// object of strings.
func parseMetadata(text string) (map[string]string, error) {
	all, err := parsePairs("--metadata", text)
	if err != nil {
		return nil, err
	}
	for name, value := range all {
		if !isHeaderName(name) {
			return nil, usagef("--metadata: %q can be no name of metadata; use letters, digits, - and _", name)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, usagef("--metadata: the value of %s has a line break", name)
		}
	}
	return all, nil
}

// S3 allows an object ten tags (API reference, PutObjectTagging).
const maxTags = 10

// parseTags reads tags: NAME=VALUE,NAME=VALUE, or NAME=VALUE&NAME=VALUE with percent signs as S3's header has it, or a JSON object.
func parseTags(text string) (map[string]string, error) {
	all, err := parseTagPairs(text)
	if err != nil {
		return nil, err
	}
	if len(all) > maxTags {
		return nil, usagef("--tags: %d tags, and an object may have %d", len(all), maxTags)
	}
	return all, nil
}

func parseTagPairs(text string) (map[string]string, error) {
	if !strings.Contains(text, "&") || strings.HasPrefix(text, "{") {
		return parsePairs("--tags", text)
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, usagef("--tags: %v", err)
	}
	all := map[string]string{}
	for name, v := range values {
		if name == "" || len(v) != 1 {
			return nil, usagef("--tags: each tag needs one name and one value: NAME=VALUE")
		}
		all[name] = v[0]
	}
	return all, nil
}

func parsePairs(flag, text string) (map[string]string, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		var all map[string]string
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			return nil, usagef("%s: no JSON object of strings: %v", flag, err)
		}
		return all, nil
	}
	all := map[string]string{}
	for _, item := range splitCommas(text) {
		name, value, ok := strings.Cut(item, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, usagef("%s: %q is not NAME=VALUE", flag, item)
		}
		if _, twice := all[name]; twice {
			return nil, usagef("%s: %s is given twice", flag, name)
		}
		if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
			value = strings.ReplaceAll(value[1:n-1], `\"`, `"`)
		}
		all[name] = value
	}
	return all, nil
}

// splitCommas splits at the commas that stand outside of double quotes.
func splitCommas(text string) []string {
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
