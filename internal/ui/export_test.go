package ui

import (
	"reflect"
	"strings"
	"time"
)

// Open to the tests of this package.
var (
	Shorten = shorten
	Width   = width
)

// FieldNames gives the names of all JSON fields, those of inner objects too.
func FieldNames() []string {
	var names []string
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
			return
		}
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[record]())
	return names
}
