// Package formattest guards the formats of files that users have: what earlier versions wrote can be read forever, and what
// this version writes changes only on purpose.
//
//	testdata/formats/NAME.v1.json   a value with something in each of its fields, as version 1 wrote it; .v2.json as version 2, …
//
// [Check] reads each of them, and compares the newest with what is written now. To begin a new version, write its file with
//
//	HAUL_UPDATE=1 go test -run TestFormats ./…
//
// and commit it; files of earlier versions are never changed.
package formattest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// known are values of types that take no other.
var known = map[reflect.Type]any{
	reflect.TypeFor[time.Time]():          time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	reflect.TypeFor[checksum.Sum]():       checksum.Bytes(checksum.CRC64NVME, []byte("text")),
	reflect.TypeFor[store.Secret]():       store.Secret(""), // never written
	reflect.TypeFor[time.Duration]():      3 * time.Second,
	reflect.TypeFor[[]byte]():             []byte("bytes"),
	reflect.TypeFor[checksum.Kind]():      checksum.FullObject,
	reflect.TypeFor[checksum.Algorithm](): checksum.CRC64NVME,
}

// Filled returns a T with something in each field that JSON has.
func Filled[T any]() T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), "")
	return v
}

func fill(v reflect.Value, name string) {
	if value, ok := known[v.Type()]; ok {
		v.Set(reflect.ValueOf(value))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if tag := f.Tag.Get("json"); tag != "-" && (f.IsExported() || f.Anonymous) && v.Field(i).CanSet() {
				fill(v.Field(i), f.Name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name)
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, name)
		fill(elem, name)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	case reflect.String:
		v.SetString("a " + name)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(len(name)) + 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(len(name)) + 1)
	case reflect.Float64:
		v.SetFloat(float64(len(name)) + 0.5)
	}
}

// Check reads want as each version wrote it, and compares it with what is written now, which is the newest version. Added are fields
// with the version that has them first, such as Rate@2 or Transfer.Annotations@3; versions before do not have them.
func Check[T any](t *testing.T, name string, version int, want T, added ...string) {
	t.Helper()
	dir := filepath.Join("testdata", "formats")
	now, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	now = append(now, '\n')
	newest := filepath.Join(dir, fmt.Sprintf("%s.v%d.json", name, version))
	if os.Getenv("HAUL_UPDATE") != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(newest, now, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, name+".v*.json"))
	if err != nil || !slices.Contains(files, newest) {
		t.Fatalf("%s is missing: %v", newest, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got T
		should := want
		for _, a := range added {
			field, first, _ := strings.Cut(a, "@")
			for v := 1; fmt.Sprint(v) != first; v++ {
				if strings.HasSuffix(file, fmt.Sprintf(".v%d.json", v)) {
					f := reflect.ValueOf(&should).Elem()
					for name := range strings.SplitSeq(field, ".") {
						f = f.FieldByName(name)
					}
					f.SetZero()
				}
			}
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Errorf("%s cannot be read any more: %v", file, err)
		} else if !reflect.DeepEqual(got, should) {
			t.Errorf("%s is read as\n%+v, want\n%+v", file, got, should)
		}
		if file == newest && !bytes.Equal(text, now) {
			t.Errorf("%s is written otherwise now:\n%s", file, now)
		}
	}
}
