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
		return "a proxy or web server in front of the store does not accept requests of this size (nginx: client_max_body_size): ask its administrator to raise the limit, or send smaller parts with --part-size"
	case f.other == noTag:
		return "S3 returns an ETag with every object: perhaps a proxy removes it, or " + foreignHint
	case f.foreign, f.other != "":
		return foreignHint
	}
	if h, ok := hints[f.Code]; ok {
		return h
	}
	if e.Op == "PutBucketWebsite" && (e.Kind == store.Invalid || e.Kind == store.Unsupported) {
		return "many S3-compatible servers do not support static websites"
	}
	if strings.HasPrefix(f.Code, "KMS.") {
		return "access to the bucket's encryption key was denied: ask the key's owner for kms:GenerateDataKey (to write) and kms:Decrypt (to read)"
	}
	if strings.Contains(f.text, "HTTP request to an HTTPS server") || strings.Contains(f.Message, "HTTP request to an HTTPS server") {
		return "the server expects HTTPS: use https:// in the endpoint"
	}
	if h := s.attrHint(e, x.call); h != "" {
		return h
	}
	switch e.Kind {
	case store.BadAnswer:
		return foreignHint
	case store.NoBucket:
		return fmt.Sprintf("check the spelling and the endpoint; to create the bucket: `haul mb s3://%s`", e.Ref.Bucket)
	case store.Denied:
		return s.deniedHint(e, x)
	case store.Expired:
		return "log in again (`aws sso login`) or renew the credentials; haul then uses the new ones"
	case store.ClockSkew:
		return skewHint(f, time.Now())
	case store.WrongRegion:
		if r := f.region(); r != "" {
			return "the bucket is in the region " + r + ": add --region " + r
		}
		return "set the bucket's region with --region; its owner knows it, or run `aws s3api get-bucket-location`"
	case store.Archived:
		return archivedHint(f)
	case store.Throttled:
		return "the store is throttling requests, and haul has slowed down; a lower --concurrency may also help"
	case store.NoRoom:
		return "the store is full, or the quota is used up: free some space, or ask its administrator"
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
		return "many stores, such as Ceph, encrypt only data sent over HTTPS: use an https:// endpoint, or omit --sse and --sse-c"
	case sealed:
		return "the store may not support this encryption: ask its administrator, or omit --sse and --sse-c"
	case class != "" && strings.Contains(strings.ToLower(e.Code+e.Message), "class"), class != "" && e.Code == "InvalidArgument":
		return fmt.Sprintf("the store may not have the storage class %s: omit --storage-class, or ask its administrator for the names of its storage classes", class)
	case e.Status == http.StatusBadRequest && e.Code == "" && c.sums != checksum.None:
		return "the store gave no reason; some stores reject checksum headers: try AWS_REQUEST_CHECKSUM_CALCULATION=when_required"
	}
	return ""
}

const (
	foreignHint    = "the response is not from an S3 server: check --endpoint-url, and whether a proxy or a login page intercepts requests"
	unknownKeyHint = "the store does not recognize this access key: check the profile, AWS_ACCESS_KEY_ID, and whether the credentials belong to this endpoint"
	oddKeyHint     = "this store does not accept such a key: avoid //, /./, /../ and unusual characters"
)

var hints = map[string]string{
	"AccessControlListNotSupported": "ACLs are disabled for this bucket (the default for new buckets): omit --acl",
	"SignatureDoesNotMatch":         "the secret key does not match the access key: check AWS_SECRET_ACCESS_KEY or the profile for a missing or extra character; a proxy that modifies requests can also be the cause",
	"InvalidAccessKeyId":            unknownKeyHint,
	"XAdminUserNotFound":            unknownKeyHint,
	"XMinioInvalidObjectName":       oddKeyHint,
	"XMinioInvalidResourceName":     oddKeyHint,
	"InvalidTag":                    "tags may contain letters, digits, spaces and + - = . _ : / @",
	"InvalidToken":                  "the session token does not match the keys: unset an old AWS_SESSION_TOKEN, or renew the credentials",
	"EntityTooSmall":                "every part except the last must have at least 5 MiB",
	"InvalidStorageClass":           "the store does not have this storage class: see --storage-class",
	"InvalidBucketName":             "a bucket name consists of 3 to 63 lowercase letters, digits, dots and hyphens",
	"KeyTooLongError":               "an object key can have at most 1,024 bytes",
	"ExistingObjectIsDirectory":     "in this store, that key is already a folder: end the target with / to put the file into it",
	"ObjectParentIsFile":            "this store saves keys as files, and a parent folder of this key already exists as an object; choose another key",
	"SecondLevelDomainForbidden":    "this store requires the bucket in the host name: use --addressing virtual",
	"MethodNotAllowed":              "the store does not support this operation on this object",
	"BucketAlreadyExists":           "a bucket with this name already exists and belongs to another account: choose another name",
	"BucketNotEmpty":                "`haul rb --force` also deletes its objects; noncurrent versions and unfinished uploads must be removed too",
	"BucketAlreadyOwnedByYou":       "you already own this bucket",
	"InvalidPart":                   "the store no longer has a part that was sent: the upload must be restarted",
	"OperationAborted":              "the store is still processing an earlier change of the same resource: try again in a minute",
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
	"DeleteBucket": "s3:DeleteBucket", "PutBucketWebsite": "s3:PutBucketWebsite", "ListObjectVersions": "s3:ListBucketVersions",
	"GetBucketVersioning": "s3:GetBucketVersioning", "PutBucketVersioning": "s3:PutBucketVersioning",
	"GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration", "GetBucketRequestPayment": "s3:GetBucketRequestPayment",
	"GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration", "GetBucketEncryption": "s3:GetEncryptionConfiguration",
}

// readers are the operations for which a bucket's owner may make the reader pay.
var readers = []string{"GetObject", "HeadObject", "GetObjectAttributes", "CopyObject", "UploadPartCopy", "GetObjectTagging", "ListObjectsV2"}

func (s *Store) deniedHint(e *store.Error, x *roundTrip) string {
	if e.Status == http.StatusProxyAuthRequired {
		return "the proxy requires a login: see HTTPS_PROXY"
	}
	h := "these credentials do not have permission for this"
	if s.anonymous {
		h = "the bucket does not allow this without credentials: omit --no-sign-request"
	}
	if e.Op == "GetObjectTagging" {
		h += "; to copy without tags, use --copy-props metadata-directive"
	}
	if a := actions[e.Op]; a != "" {
		h += "; it requires " + a
		if e.Op == "HeadObject" || e.Op == "GetObject" {
			h += "; without s3:ListBucket, a missing object is also reported this way"
		}
	}
	paying := x.call.attrs != nil && x.call.attrs.RequestPayer != ""
	if slices.Contains(readers, e.Op) && !paying && !s.anonymous {
		h += "; if the bucket is requester-pays, add --request-payer requester"
	}
	return h
}

func skewHint(f *fault, now time.Time) string {
	const fix = "set this machine's clock (NTP)"
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
