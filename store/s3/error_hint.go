package s3

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// hint returns one sentence of advice, or "".
func (s *Store) hint(e *store.Error, x *roundTrip) string {
	f := x.fault
	switch {
	case f.status == http.StatusRequestEntityTooLarge && f.Code == "":
		return "a proxy or web server before the store takes no request of this size (nginx: client_max_body_size): ask its administrator to raise that, or send smaller parts with --part-size"
	case f.other == noTag:
		return "S3 gives an ETag with every object: a proxy that takes it away may be the cause, or " + foreignHint
	case f.foreign, f.other != "":
		return foreignHint
	}
	if h, ok := hints[f.Code]; ok {
		return h
	}
	if e.Op == "PutBucketWebsite" && (e.Kind == store.Invalid || e.Kind == store.Unsupported) {
		return "many stores other than Amazon S3 offer no web sites"
	}
	if strings.HasPrefix(f.Code, "KMS.") {
		return "the bucket's encryption key refused: ask its owner for kms:GenerateDataKey (to write) and kms:Decrypt (to read) on it"
	}
	if strings.Contains(f.text, "HTTP request to an HTTPS server") || strings.Contains(f.Message, "HTTP request to an HTTPS server") {
		return "the server speaks HTTPS: write https:// in the endpoint"
	}
	if h := s.attrHint(e, x.call); h != "" {
		return h
	}
	switch e.Kind {
	case store.BadAnswer:
		return foreignHint
	case store.NoBucket:
		return fmt.Sprintf("`haul mb s3://%s` makes it; check the spelling and the endpoint first", e.Ref.Bucket)
	case store.Denied:
		return s.deniedHint(e, x)
	case store.Expired:
		return "log in again (`aws sso login`) or renew the credentials; haul then continues with the new ones"
	case store.ClockSkew:
		return skewHint(f, time.Now())
	case store.WrongRegion:
		if r := f.region(); r != "" {
			return "the bucket is in the region " + r + ": add --region " + r
		}
		return "give the bucket's region with --region; its owner knows it, or `aws s3api get-bucket-location`"
	case store.Archived:
		return archivedHint(f)
	case store.Throttled:
		return "the store asks for fewer requests; haul slows down, and a smaller --concurrency does too"
	case store.NoRoom:
		return "the store has no room left, or the quota is used up: make room or ask its administrator"
	}
	return ""
}

// attrHint names the attribute that a store may have refused with an answer that does not name it.
func (s *Store) attrHint(e *store.Error, c *call) string {
	if s.profile.aws || e.Kind != store.Invalid && e.Kind != store.Unsupported || e.Op == "GetObject" || e.Op == "HeadObject" {
		return ""
	}
	class := c.header.Get("X-Amz-Storage-Class")
	sealed := c.header.Get(sseHeader) != "" || c.header.Get(customerPrefix+"Algorithm") != ""
	switch {
	case sealed && s.endpoint != nil && s.endpoint.Scheme == "http":
		return "many stores, Ceph among them, encrypt only what comes over HTTPS: use the https:// endpoint, or leave out --sse and --sse-c"
	case sealed:
		return "the store may not offer this encryption: ask its administrator, or leave out --sse and --sse-c"
	case class != "" && strings.Contains(strings.ToLower(e.Code+e.Message), "class"), class != "" && e.Code == "InvalidArgument":
		return fmt.Sprintf("the store may not have the storage class %s: leave out --storage-class, or ask its administrator for the names of its classes", class)
	case e.Status == http.StatusBadRequest && e.Code == "" && c.sums != checksum.None:
		return "the store gave no reason; some refuse checksum headers: try with AWS_REQUEST_CHECKSUM_CALCULATION=when_required"
	}
	return ""
}

const (
	foreignHint    = "the answer is not from an S3 store: check --endpoint-url, and whether a proxy or a login page stands between"
	unknownKeyHint = "the store does not know this access key: check the profile, AWS_ACCESS_KEY_ID, and whether the credentials belong to this endpoint"
	oddKeyHint     = "this store does not take such a key: leave out //, . and .. between slashes, and odd characters"
)

var hints = map[string]string{
	"AccessControlListNotSupported": "the bucket has ACLs switched off, as is usual now: leave out --acl",
	"SignatureDoesNotMatch":         "the secret key does not fit the access key: check AWS_SECRET_ACCESS_KEY or the profile (a lost or added character?), or a proxy changes requests",
	"InvalidAccessKeyId":            unknownKeyHint,
	"XAdminUserNotFound":            unknownKeyHint,
	"XMinioInvalidObjectName":       oddKeyHint,
	"XMinioInvalidResourceName":     oddKeyHint,
	"InvalidTag":                    "tags hold letters, digits, spaces and + - = . _ : / @",
	"InvalidToken":                  "the session token does not fit the keys: unset a left-over AWS_SESSION_TOKEN, or renew the credentials",
	"EntityTooSmall":                "all parts but the last need at least 5 MiB",
	"InvalidStorageClass":           "the store does not know this storage class: see --storage-class",
	"InvalidBucketName":             "the name of a bucket has 3 to 63 lower-case letters, digits, dots and dashes",
	"KeyTooLongError":               "an object's key may have 1,024 bytes at most",
	"ExistingObjectIsDirectory":     "in this store that key is a folder already: end the target with / to put the file into it",
	"ObjectParentIsFile":            "this store keeps keys as files: part of the key before a / is itself an object there; choose another key",
	"SecondLevelDomainForbidden":    "this store wants the bucket in the host name: use virtual addressing",
	"MethodNotAllowed":              "the store does not offer this operation on this object",
	"BucketAlreadyExists":           "somebody else has a bucket of this name: choose another",
	"BucketNotEmpty":                "`haul rb --force` deletes what is in it, too; old versions of objects and unfinished uploads count as well",
	"BucketAlreadyOwnedByYou":       "the bucket exists already and is yours",
	"InvalidPart":                   "the store no longer has a part as it was sent: the upload must be restarted",
	"OperationAborted":              "the store is still busy with an earlier change of the same thing: try again in a minute",
}

// actions are the permissions that an operation needs.
var actions = map[string]string{
	"PutObject": "s3:PutObject", "CreateMultipartUpload": "s3:PutObject", "UploadPart": "s3:PutObject",
	"CompleteMultipartUpload": "s3:PutObject", "AbortMultipartUpload": "s3:AbortMultipartUpload",
	"ListParts": "s3:ListMultipartUploadParts", "ListMultipartUploads": "s3:ListBucketMultipartUploads",
	"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "GetObjectAttributes": "s3:GetObjectAttributes",
	"CopyObject": "s3:GetObject on the source and s3:PutObject on the target", "UploadPartCopy": "s3:GetObject on the source and s3:PutObject on the target",
	"GetObjectTagging": "s3:GetObjectTagging", "CreateBucket": "s3:CreateBucket",
	"DeleteObject": "s3:DeleteObject", "DeleteObjects": "s3:DeleteObject",
	"ListObjectsV2": "s3:ListBucket", "ListObjects": "s3:ListBucket", "HeadBucket": "s3:ListBucket", "ListBuckets": "s3:ListAllMyBuckets",
	"DeleteBucket": "s3:DeleteBucket", "PutBucketWebsite": "s3:PutBucketWebsite",
}

// readers are the operations for which a bucket's owner may make the reader pay.
var readers = []string{"GetObject", "HeadObject", "GetObjectAttributes", "CopyObject", "UploadPartCopy", "GetObjectTagging", "ListObjectsV2"}

func (s *Store) deniedHint(e *store.Error, x *roundTrip) string {
	if e.Status == http.StatusProxyAuthRequired {
		return "the proxy wants a login: see HTTPS_PROXY"
	}
	h := "these credentials may not do this"
	if s.anonymous {
		h = "the bucket is not public for this: leave out --no-sign-request and use credentials"
	}
	if e.Op == "GetObjectTagging" {
		h += "; --copy-props metadata-directive copies without tags"
	}
	if a := actions[e.Op]; a != "" {
		h += "; it needs " + a
		if e.Op == "HeadObject" || e.Op == "GetObject" {
			h += ", and without s3:ListBucket a missing object looks like this too"
		}
	}
	paying := x.call.attrs != nil && x.call.attrs.RequestPayer != ""
	if slices.Contains(readers, e.Op) && !paying && !s.anonymous {
		h += "; if the bucket is requester-pays, add --request-payer requester"
	}
	return h
}

func skewHint(f *fault, now time.Time) string {
	const fix = "set the clock of this machine (NTP)"
	t, err := http.ParseTime(f.header.Get("Date"))
	if err != nil {
		return fix
	}
	off := now.Sub(t).Round(time.Second)
	switch {
	case off > 0:
		return fmt.Sprintf("this machine's clock is %v ahead: %s", off, fix)
	case off < 0:
		return fmt.Sprintf("this machine's clock is %v behind: %s", -off, fix)
	}
	return fix
}

func archivedHint(f *fault) string {
	where := f.StorageClass
	if f.AccessTier != "" {
		where += " " + f.AccessTier
	}
	if where = strings.TrimSpace(where); where == "" {
		where = "an archive"
	}
	return "the object is in " + where + " and must be restored before it can be read, which takes minutes to days: `aws s3api restore-object`"
}
