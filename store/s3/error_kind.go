package s3

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"time"

	"haul.example/haul/store"
)

// kinds maps the error codes of S3 and of compatible stores.
var kinds = map[string]store.Kind{
	"NoSuchKey":     store.NotFound,
	"NoSuchVersion": store.NotFound,
	"NotFound":      store.NotFound,
	"NoSuchBucket":  store.NoBucket,
	"NoSuchUpload":  store.NoUpload,

	"AccessDenied":          store.Denied,
	"AccountProblem":        store.Denied,
	"AllAccessDisabled":     store.Denied,
	"InvalidAccessKeyId":    store.Denied,
	"XAdminUserNotFound":    store.Denied,
	"InvalidSecurity":       store.Denied,
	"InvalidToken":          store.Denied,
	"SignatureDoesNotMatch": store.Denied,
	"ExpiredToken":          store.Expired,
	"ExpiredTokenException": store.Expired,
	"RequestExpired":        store.Expired,
	"TokenRefreshRequired":  store.Expired,
	"RequestTimeTooSkewed":  store.ClockSkew,

	"PermanentRedirect":                  store.WrongRegion,
	"TemporaryRedirect":                  store.WrongRegion,
	"Redirect":                           store.WrongRegion,
	"AuthorizationHeaderMalformed":       store.WrongRegion,
	"IllegalLocationConstraintException": store.WrongRegion,

	"BucketAlreadyExists":            store.Exists,
	"BucketAlreadyOwnedByYou":        store.Exists,
	"BucketNotEmpty":                 store.NotEmpty,
	"ConditionalRequestConflict":     store.Conflict,
	"OperationAborted":               store.Conflict,
	"ExistingObjectIsDirectory":      store.Exists,
	"ObjectParentIsFile":             store.Exists,
	"InvalidObjectState":             store.Archived,
	"InvalidRange":                   store.BadRange,
	"BadDigest":                      store.Corrupt,
	"InvalidDigest":                  store.Corrupt,
	"XAmzContentChecksumMismatch":    store.Corrupt,
	"XAmzContentSHA256Mismatch":      store.Corrupt,
	"IncompleteBody":                 store.Network,
	"RequestTimeout":                 store.Network,
	"EntityTooLarge":                 store.TooLarge,
	"EntityTooSmall":                 store.Invalid,
	"MaxMessageLengthExceeded":       store.TooLarge,
	"QuotaExceeded":                  store.NoRoom,
	"XMinioAdminBucketQuotaExceeded": store.NoRoom,
	"XMinioStorageFull":              store.NoRoom,
	"InsufficientStorage":            store.NoRoom,
	"MethodNotAllowed":               store.Unsupported,
	"NotImplemented":                 store.Unsupported,
	"UnsupportedOperation":           store.Unsupported,
	"MissingContentLength":           store.Unsupported,

	"SlowDown":                 store.Throttled,
	"SlowDownRead":             store.Throttled,
	"SlowDownWrite":            store.Throttled,
	"Throttling":               store.Throttled,
	"ThrottlingException":      store.Throttled,
	"ThrottledException":       store.Throttled,
	"KMS.ThrottlingException":  store.Throttled,
	"TooManyRequests":          store.Throttled,
	"TooManyRequestsException": store.Throttled,
	"RequestLimitExceeded":     store.Throttled,
	"RequestThrottled":         store.Throttled,
	"BandwidthLimitExceeded":   store.Throttled,
	"ServiceUnavailable":       store.Throttled,
	"InternalError":            store.Unavailable,
	"InternalFailure":          store.Unavailable,
	"ServerBusy":               store.Unavailable,
}

// explainFault classifies an error that the server reported.
func (s *Store) explainFault(e *store.Error, x *roundTrip) {
	f, c := x.fault, x.call
	e.Status, e.Code, e.RequestID = f.status, f.Code, f.RequestID
	e.Message = s.redact(c, f.Message)
	e.RetryAfter = f.retryAfter(time.Now())
	e.Kind = s.kind(f, c)
	s.profile.learnLimit(f, c)
	switch {
	case f.other != "":
		e.Err = errors.New(s.redact(c, f.other) + " came")
	case f.text != "" && !f.foreign:
		e.Err = errors.New(s.redact(c, f.text))
	}
	e.Hint = s.hint(e, x)
}

// kind decides what can be done about an error, and so its kind. It changes nothing. That an upload is gone is said in several ways:
// see goneUpload.
func (s *Store) kind(f *fault, c *call) store.Kind {
	k := s.kindOf(f, c)
	if k == store.NotFound && c.goneUpload(f) {
		return store.NoUpload
	}
	return k
}

// kindOf goes from what is certain (another answer than the one that was asked for, a refused checksum, a condition) over the code to
// the status.
func (s *Store) kindOf(f *fault, c *call) store.Kind {
	if f.other != "" {
		return cmp.Or(c.form().otherwise, store.BadAnswer)
	}
	if s.refusesSum(f, c) {
		return store.ChecksumRefused
	}
	switch f.status {
	case http.StatusPreconditionFailed:
		read := c.pinned
		if f.Condition != "" { // the server names it
			read = !strings.EqualFold(f.Condition, ifNoneMatch)
		}
		if read {
			return store.Changed
		}
		return store.Exists
	case http.StatusRequestedRangeNotSatisfiable:
		return store.BadRange
	}
	if f.Code == "NoSuchVersion" && c.pinned {
		return store.Changed
	}
	if k, ok := kinds[f.Code]; ok {
		return k
	}
	if strings.HasPrefix(f.Code, "KMS.") {
		return store.Denied
	}
	switch {
	case f.Code == "" && (f.status < 300 || f.foreign && f.status == http.StatusNotFound):
		return store.BadAnswer
	case f.status < 300:
		return store.Unknown
	}
	return kindOfStatus(f.status)
}

// kindOfStatus classifies answers without a known code: those to HEAD have no body, proxies have other texts.
func kindOfStatus(status int) store.Kind {
	switch status {
	case 301, 302, 307, 308:
		return store.WrongRegion
	case 401, 403, 407:
		return store.Denied
	case 404:
		return store.NotFound
	case 405, 411, 501:
		return store.Unsupported
	case 408:
		return store.Network
	case 409:
		return store.Conflict
	case 413:
		return store.TooLarge
	case 507:
		return store.NoRoom
	case 429, 503:
		return store.Throttled
	}
	switch {
	case status >= 500:
		return store.Unavailable
	case status >= 400:
		return store.Invalid
	}
	return store.Unknown
}
