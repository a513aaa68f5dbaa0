package digestlist

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"haul.example/haul/checksum"
)

// byLength are the algorithms by the length of their digests.
var byLength = []checksum.Algorithm{checksum.MD5, checksum.SHA1, checksum.SHA256, checksum.SHA512}

// algorithms are those that a list can name.
var algorithms = append([]checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32}, byLength...)

// spelling removes characters that names of algorithms are written with or without.
var spelling = strings.NewReplacer("-", "", "_", "", " ", "")

// algorithmOf returns the algorithm of that name, as tools spell it: MD5, SHA-256, sha2-256, sha_1; none for another.
func algorithmOf(name string) checksum.Algorithm {
	name = spelling.Replace(strings.ToUpper(name))
	if rest, ok := strings.CutPrefix(name, "SHA2"); ok && (rest == "256" || rest == "512") {
		name = "SHA" + rest
	}
	for _, a := range algorithms {
		if name == string(a) {
			return a
		}
	}
	return checksum.None
}

// isAlgorithm reports whether a word names a digest, also one that is not computed here.
func isAlgorithm(name string) bool {
	name = spelling.Replace(strings.ToUpper(name))
	if algorithmOf(name) != checksum.None {
		return true
	}
	for _, begin := range []string{"SHA224", "SHA384", "SHA2", "SHA3", "BLAKE", "XXH", "RMD160", "RIPEMD", "MD4", "SM3", "CRC64", "WHIRLPOOL", "TIGER", "HMAC"} {
		if strings.HasPrefix(name, begin) {
			return true
		}
	}
	return false
}

// isHexDigest reports whether a word is as long as a digest in hex.
func isHexDigest(word string) bool {
	switch len(word) {
	case 32, 40, 64, 128:
		_, err := hex.DecodeString(word)
		return err == nil
	}
	return false
}

// isDigest reports by its shape whether a value is a digest: hex, an ETag, or padded Base64 of the right length.
func isDigest(value string) bool {
	value = bare(value)
	if _, text, ok := named(value); ok {
		value = text
	}
	if isHexDigest(value) {
		return true
	}
	if tag, ok := checksum.FromETag(value); ok && tag.Parts > 0 {
		return true
	}
	raw, ok := fromBase64(value)
	return ok && strings.HasSuffix(value, "=") && sized(len(raw)) != checksum.None
}

func sized(n int) checksum.Algorithm {
	for _, a := range byLength {
		if a.Size() == n {
			return a
		}
	}
	return checksum.None
}

// bare removes quotes and spaces from a value.
func bare(value string) string {
	value = strings.TrimSpace(value)
	for _, q := range []string{`"`, `'`, "`"} {
		for len(value) >= 2 && strings.HasPrefix(value, q) && strings.HasSuffix(value, q) {
			value = strings.TrimSpace(value[1 : len(value)-1])
		}
	}
	return value
}

// named splits a value such as md5:HEX, SHA256=HEX, or "MD5 HEX".
func named(value string) (a checksum.Algorithm, text string, ok bool) {
	i := strings.IndexAny(value, ":= ")
	if i < 0 {
		return checksum.None, "", false
	}
	a = algorithmOf(value[:i])
	return a, strings.TrimSpace(value[i+1:]), a != checksum.None
}

// fromBase64 decodes Base64 of either alphabet, padded or not.
func fromBase64(text string) ([]byte, bool) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	return raw, err == nil && len(raw) > 0 && !strings.ContainsAny(text, "\r\n")
}

// parseDigest parses a value, of the algorithm that its column or line names, or else of the one that its length implies.
func parseDigest(value string, want checksum.Algorithm) (checksum.Sum, error) {
	text := bare(value)
	if a, rest, ok := named(text); ok {
		if want != checksum.None && a != want {
			return checksum.Sum{}, fmt.Errorf("%s is of %s, where %s should be", short(value), a, want)
		}
		want, text = a, rest
	}
	if tag, ok := checksum.FromETag(text); ok && tag.Parts > 0 && (want == checksum.None || want == checksum.MD5) {
		return tag, nil
	}
	raw, err := hex.DecodeString(text)
	switch {
	case err == nil && want != checksum.None && len(raw) == want.Size():
		return checksum.Sum{Algorithm: want, Value: string(raw)}, nil
	case err == nil && want == checksum.None && sized(len(raw)) != checksum.None:
		return checksum.Sum{Algorithm: sized(len(raw)), Value: string(raw)}, nil
	}
	if decoded, ok := fromBase64(text); ok {
		switch a := sized(len(decoded)); {
		case want != checksum.None && len(decoded) == want.Size():
			return checksum.Sum{Algorithm: want, Value: string(decoded)}, nil
		case want == checksum.None && a != checksum.None && strings.HasSuffix(text, "="):
			return checksum.Sum{Algorithm: a, Value: string(decoded)}, nil
		}
	}
	switch {
	case want != checksum.None:
		return checksum.Sum{}, fmt.Errorf("%s is not a digest of %s", short(value), want)
	case err == nil && len(raw) > 0:
		return checksum.Sum{}, fmt.Errorf("%s is a digest of %d bits; haul knows those of MD5, SHA-1, SHA-256 and SHA-512", short(value), 8*len(raw))
	}
	return checksum.Sum{}, fmt.Errorf("%s is not a digest", short(value))
}

// absent reports whether a value stands for none.
func absent(value string) bool {
	switch strings.ToLower(bare(value)) {
	case "", "-", "--", ".", "na", "n/a", "nan", "null", "none":
		return true
	}
	return false
}

// parseSize parses a size in bytes; -1 if it is not exact to the byte.
func parseSize(value string) int64 {
	value = strings.TrimSuffix(strings.ReplaceAll(bare(value), ",", ""), ".0")
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// cleanName returns a name with slashes. A backslash comes from Windows, whose names cannot have it for anything else.
func cleanName(name string) string {
	return strings.ReplaceAll(name, `\`, "/")
}
