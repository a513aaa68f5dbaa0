package storetest

import (
	"haul.example/haul/store"
)

// inWords is how S3 reports an error of each kind.
var inWords = map[store.Kind]struct {
	status int
	code   string
}{
	store.NotFound:        {404, "NoSuchKey"},
	store.NoBucket:        {404, "NoSuchBucket"},
	store.NoUpload:        {404, "NoSuchUpload"},
	store.Denied:          {403, "AccessDenied"},
	store.Expired:         {400, "ExpiredToken"},
	store.ClockSkew:       {403, "RequestTimeTooSkewed"},
	store.WrongRegion:     {301, "PermanentRedirect"},
	store.Exists:          {412, "PreconditionFailed"},
	store.Changed:         {412, "PreconditionFailed"},
	store.Conflict:        {409, "ConditionalRequestConflict"},
	store.NotEmpty:        {409, "BucketNotEmpty"},
	store.Archived:        {403, "InvalidObjectState"},
	store.BadRange:        {416, "InvalidRange"},
	store.Corrupt:         {400, "BadDigest"},
	store.ChecksumRefused: {501, "NotImplemented"},
	store.Unsupported:     {501, "NotImplemented"},
	store.Invalid:         {400, "InvalidRequest"},
	store.TooLarge:        {400, "EntityTooLarge"},
	store.NoRoom:          {507, "InsufficientStorage"},
	store.Throttled:       {503, "SlowDown"},
	store.Unavailable:     {500, "InternalError"},
}

// Words returns the status and the code with which S3 reports an error of a kind. Kinds that never reach a server have none.
func Words(k store.Kind) (status int, code string) { return inWords[k].status, inWords[k].code }

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
