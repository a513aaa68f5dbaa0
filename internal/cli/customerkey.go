package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"strings"

	"haul.example/haul/internal/command"
	"haul.example/haul/store"
)

// customerKeySize is that of an AES-256 key, in bytes.
const customerKeySize = 32

// parse returns the customer's key. No error shows the key.
func (k keyFlags) parse(flag string, read func(string) ([]byte, error)) (store.CustomerKey, error) {
	switch {
	case k == keyFlags{}:
		return store.CustomerKey{}, nil
	case k.key == "":
		return store.CustomerKey{}, command.Usagef("%s needs the key: %s-key fileb://PATH", flag, flag)
	case k.algorithm != "" && k.algorithm != "AES256":
		return store.CustomerKey{}, command.Usagef("%s: %q is not AES256", flag, k.algorithm)
	}
	raw, err := k.bytes(flag+"-key", read)
	if err != nil {
		return store.CustomerKey{}, err
	}
	return store.CustomerKey{Algorithm: "AES256", Key: store.Secret(raw)}, nil
}

// bytes returns the raw key: the 32 bytes themselves, or those that 44 letters of base64 encode.
func (k keyFlags) bytes(flag string, read func(string) ([]byte, error)) ([]byte, error) {
	raw, where := []byte(k.key), "the value"
	for _, prefix := range []string{"fileb://", "file://"} {
		path, ok := strings.CutPrefix(k.key, prefix)
		if !ok {
			continue
		}
		where = "the file " + path
		var err error
		if raw, err = read(path); errors.Is(err, fs.ErrNotExist) {
			return nil, &command.MissingError{Text: flag + ": " + where + " is not there"}
		} else if err != nil {
			return nil, err
		}
		break
	}
	if len(raw) == customerKeySize {
		return raw, nil
	}
	text := bytes.TrimRight(raw, "\r\n")
	if decoded, err := base64.StdEncoding.DecodeString(string(text)); err == nil && len(decoded) == customerKeySize {
		return decoded, nil
	}
	return nil, command.Usagef("%s: %s is not a key: it must be %d bytes, or base64 of them (got %d bytes)", flag, where, customerKeySize, len(raw))
}
