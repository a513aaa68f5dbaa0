package ui

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Reason returns the text of an error in one line: errors that were joined have a semicolon between, where errors.Join has the end of a
// line.
func Reason(err error) string {
	text := err.Error()
	for _, one := range joinedIn(err) {
		var all []string
		for _, inner := range one.Unwrap() {
			all = append(all, Reason(inner))
		}
		lines := fmt.Sprint(one)
		text = strings.Replace(text, lines, strings.Join(all, "; "), 1)
	}
	return text
}

type joined interface{ Unwrap() []error }

// joinType is that of what errors.Join gives.
var joinType = reflect.TypeOf(errors.Join(errors.ErrUnsupported))

// joinedIn returns the outermost joined errors in an error. fmt.Errorf wraps several as well, and has its own words between.
func joinedIn(err error) []joined {
	many, ok := err.(joined)
	if !ok {
		if inner := errors.Unwrap(err); inner != nil {
			return joinedIn(inner)
		}
		return nil
	}
	if reflect.TypeOf(err) == joinType {
		return []joined{many}
	}
	var all []joined
	for _, inner := range many.Unwrap() {
		all = append(all, joinedIn(inner)...)
	}
	return all
}
