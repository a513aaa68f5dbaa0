package store

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind classifies errors by their remedy. A Kind is itself an error; test for it with errors.Is(err, store.NotFound).
type Kind string

// Error returns the kind in words.
func (k Kind) Error() string { return string(k) }

// The kinds of error.
const (
	NotFound        Kind = "no such object"
	NoBucket        Kind = "no such bucket"
	NoUpload        Kind = "no such upload"
	Denied          Kind = "access denied"
	NoCredentials   Kind = "no credentials"
	Expired         Kind = "credentials expired"
	ClockSkew       Kind = "clock is wrong"
	WrongRegion     Kind = "wrong region"
	Exists          Kind = "object exists"     // a condition of a write failed
	Changed         Kind = "object changed"    // a pinned ETag or version is no longer there
	Conflict        Kind = "conflicting write" // of another at the same time
	NotEmpty        Kind = "bucket is not empty"
	Archived        Kind = "object is archived"
	BadRange        Kind = "range is not satisfiable"
	Corrupt         Kind = "bytes arrived wrong" // a checksum did not match
	ChecksumRefused Kind = "checksum not supported"
	Unsupported     Kind = "not supported"
	Invalid         Kind = "invalid request"
	TooLarge        Kind = "too large"
	NoRoom          Kind = "no room left" // in the store, or in the quota
	Throttled       Kind = "store asks to slow down"
	Unavailable     Kind = "store is unavailable"              // 500s
	Network         Kind = "network error"                     // the connection or its answer was lost
	BadAnswer       Kind = "not the answer that was asked for" // a login page, another page, half of one
	Stalled         Kind = "connection stalled"                // it stopped moving bytes and was cut
	Unknown         Kind = "error"
)

// Error is every error that comes from a store.
type Error struct {
	Kind Kind
	// Op is the operation in S3's words: GetObject, UploadPart.
	Op  string
	Ref Ref
	// Status, Code, Message and RequestID come from the server; zero if there was no response.
	Status    int
	Code      string
	Message   string
	RequestID string
	// RetryAfter is how long the server asked to wait.
	RetryAfter time.Duration
	// Hint is one sentence of advice for a person, or empty.
	Hint string
	// Lasting reports that the same request will always fail in the same way while this process runs, whatever the Kind.
	Lasting bool
	// Err is the underlying cause, if there is one.
	Err error
}

// Error returns the operation, the object, and the failure.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", e.Op, e.Ref, e.Kind)
	switch {
	case e.Code != "" && e.Message != "":
		fmt.Fprintf(&b, " (%s: %s)", e.Code, e.Message)
	case e.Code != "":
		fmt.Fprintf(&b, " (%s)", e.Code)
	case e.Status != 0:
		fmt.Fprintf(&b, " (HTTP status %d)", e.Status)
	}
	if e.Err != nil && e.Code == "" {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Retryable reports whether the same request may succeed if it is sent again.
func (e *Error) Retryable() bool {
	if e.Lasting {
		return false
	}
	switch e.Kind {
	case Corrupt, Throttled, Unavailable, Network, BadAnswer, Stalled, Conflict, Expired:
		return true
	}
	return false
}

// KindOf returns the kind of err: that of the Error in its chain, or Unknown; and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Unknown
}

// Retryable reports whether err is from a store and the request is worth another try.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable()
}

// Unanswered reports whether err is not a response of the store, so the request may have been carried out.
func Unanswered(err error) bool {
	var e *Error
	return !errors.As(err, &e) || e.Status == 0 || e.Kind == BadAnswer
}
