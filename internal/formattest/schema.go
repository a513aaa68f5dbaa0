package formattest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Schema returns the JSON Schema of what a T is written as: each field that it has, and no other.
func Schema[T any](t testing.TB) *jsonschema.Schema {
	t.Helper()
	text := func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }
	s, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[checksum.Sum]():         text(),
		reflect.TypeFor[store.Secret]():         text(),
		reflect.TypeFor[[]byte]():               {Type: "string", ContentEncoding: "base64"},
		reflect.TypeFor[json.RawMessage]():      {},
		reflect.TypeFor[map[string]any]():       {Type: "object"},
		reflect.TypeFor[checksum.Algorithm]():   text(),
		reflect.TypeFor[[]checksum.Algorithm](): {Type: "array", Items: text()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	neverNull(s)
	return s
}

// Embed adds the fields of structs that a type embeds by pointers, which may be nil: none of them is required.
func Embed(s *jsonschema.Schema, embedded ...*jsonschema.Schema) *jsonschema.Schema {
	for _, e := range embedded {
		for name, p := range e.Properties {
			s.Properties[name] = p
			s.Required = slices.DeleteFunc(s.Required, func(required string) bool { return required == name })
		}
	}
	return s
}

// neverNull says that what may be left out is not null: it is left out then.
func neverNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	for name, p := range s.Properties {
		if len(p.Types) == 2 && p.Types[0] == "null" && !slices.Contains(s.Required, name) {
			p.Type, p.Types = p.Types[1], nil
		}
		neverNull(p)
	}
	neverNull(s.Items)
}

// Publish compares a schema with the page NAME.schema.json in folder, which is published: there, later versions may have
// more fields. HAUL_UPDATE=1 writes it.
func Publish(t *testing.T, folder, name, title string, s *jsonschema.Schema) {
	t.Helper()
	s = s.CloneSchemas()
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", title
	open(s)
	now, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	now = append(now, '\n')
	path := filepath.Join(folder, name+".schema.json")
	if os.Getenv("HAUL_UPDATE") != "" {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, now, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, now) {
		t.Errorf("%s is not that of the types: run `HAUL_UPDATE=1 go test -run '%s' .` in this package", path, strings.SplitN(t.Name(), "/", 2)[0])
	}
}

// Validator returns a func that reports how a JSON text differs from a published schema, and from what this version writes:
// it has no fields that the schema has not.
func Validator(file string) (func(text []byte) error, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, err
	}
	closeAll(&s)
	r, err := s.Resolve(nil)
	if err != nil {
		return nil, err
	}
	return func(text []byte) error {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return err
		}
		return r.Validate(v)
	}, nil
}

// closeAll lets objects have no other fields.
func closeAll(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Properties != nil {
		s.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	}
	for _, p := range s.Properties {
		closeAll(p)
	}
	for _, some := range append(s.AnyOf, s.OneOf...) {
		closeAll(some)
	}
	closeAll(s.Items)
}

// open lets objects have more fields.
func open(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Properties != nil {
		s.AdditionalProperties = nil
	}
	for _, p := range s.Properties {
		open(p)
	}
	for _, some := range append(s.AnyOf, s.OneOf...) {
		open(some)
	}
	open(s.Items)
}
