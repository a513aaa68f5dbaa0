package storetest

import (
	"haul.example/haul/store"
)

// Words returns the status and the code with which S3 reports an error of each kind. Kinds that never reach a server have
// none.
func Words(k store.Kind) (status int, code string) {
	switch k {
	case store.NotFound:
		return 404, "NoSuchKey"
	case store.NoBucket:
		return 404, "NoSuchBucket"
	case store.NoUpload:
		return 404, "NoSuchUpload"
	case store.Denied:
		return 403, "AccessDenied"
	case store.Expired:
		return 400, "ExpiredToken"
	case store.ClockSkew:
		return 403, "RequestTimeTooSkewed"
	case store.WrongRegion:
		return 301, "PermanentRedirect"
	case store.Exists, store.Changed:
		return 412, "PreconditionFailed"
	case store.Conflict:
		return 409, "ConditionalRequestConflict"
	case store.NotEmpty:
		return 409, "BucketNotEmpty"
	case store.Archived:
		return 403, "InvalidObjectState"
	case store.BadRange:
		return 416, "InvalidRange"
	case store.Corrupt:
		return 400, "BadDigest"
	case store.ChecksumRefused, store.Unsupported:
		return 501, "NotImplemented"
	case store.Invalid:
		return 400, "InvalidRequest"
	case store.TooLarge:
		return 400, "EntityTooLarge"
	case store.NoRoom:
		return 507, "InsufficientStorage"
	case store.Throttled:
		return 503, "SlowDown"
	case store.Unavailable:
		return 500, "InternalError"
	}
	return 0, ""
}

// Refuse returns the Error with which a store refuses.
func Refuse(op Op, ref store.Ref, k store.Kind, message string) *store.Error {
	status, code := Words(k)
	if status == 0 {
		message = ""
	}
	return &store.Error{Kind: k, Op: string(op), Ref: ref, Status: status, Code: code, Message: message}
}

// invalid refuses a request with a code of its own.
func invalid(op Op, ref store.Ref, code, message string) *store.Error {
	e := Refuse(op, ref, store.Invalid, message)
	e.Code = code
	return e
}
