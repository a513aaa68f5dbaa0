package s3_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// TestSettings finds each setting where it is made.
func TestSettings(t *testing.T) {
	const lab = "[profile lab]\nregion = eu-north-1\nendpoint_url = https://lab.example.org\n"
	for name, tt := range map[string]struct {
		config           s3.Config
		env              map[string]string
		file             string // ~/.aws/config
		endpoint, region store.Setting
	}{
		"nothing": {s3.Config{}, nil, "",
			store.Setting{Value: "https://bucket.s3.us-east-1.amazonaws.com", From: "default"}, store.Setting{Value: "us-east-1", From: "default"}},
		"flags": {s3.Config{Endpoint: "https://flag.example.org", Region: "flag-1"}, map[string]string{"AWS_REGION": "env-1", "AWS_ENDPOINT_URL": "https://env.example.org"}, "",
			store.Setting{Value: "https://flag.example.org", From: "--endpoint-url"}, store.Setting{Value: "flag-1", From: "--region"}},
		"environment": {s3.Config{Profile: "lab"}, map[string]string{"AWS_DEFAULT_REGION": "env-1", "AWS_ENDPOINT_URL_S3": "https://env.example.org"}, lab,
			store.Setting{Value: "https://env.example.org", From: "AWS_ENDPOINT_URL_S3"}, store.Setting{Value: "env-1", From: "AWS_REGION or AWS_DEFAULT_REGION"}},
		"all services": {s3.Config{}, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:9000"}, "",
			store.Setting{Value: "http://127.0.0.1:9000", From: "AWS_ENDPOINT_URL"}, store.Setting{Value: "us-east-1", From: "default"}},
		"profile": {s3.Config{Profile: "lab"}, nil, lab,
			store.Setting{Value: "https://lab.example.org", From: "the profile lab"}, store.Setting{Value: "eu-north-1", From: "the profile lab"}},
		"profile of S3": {s3.Config{}, nil, "[default]\nservices = lab\n[services lab]\ns3 =\n  endpoint_url = https://s3.example.org\n",
			store.Setting{Value: "https://s3.example.org", From: "the default profile"}, store.Setting{Value: "us-east-1", From: "default"}},
		"ignored": {s3.Config{}, map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "",
			store.Setting{Value: "https://bucket.s3.us-east-1.amazonaws.com", From: "default"}, store.Setting{Value: "us-east-1", From: "default"}},
		"name of the endpoint": {s3.Config{Endpoint: "https://s3.eu-west-1.amazonaws.com"}, nil, "",
			store.Setting{Value: "https://bucket.s3.eu-west-1.amazonaws.com", From: "--endpoint-url"}, store.Setting{Value: "eu-west-1", From: "the name of the endpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			setKeys(t)
			if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			s := openAsIs(t, tt.config)
			if got, err := s.Endpoint(t.Context(), "bucket"); got != tt.endpoint || err != nil {
				t.Errorf("the endpoint is %+v, %v", got, err)
			}
			if got := s.Region("bucket"); got != tt.region {
				t.Errorf("the region is %+v", got)
			}
		})
	}
}

// TestEndpointOfOddBuckets has buckets that are not where others are.
func TestEndpointOfOddBuckets(t *testing.T) {
	setKeys(t)
	for bucket, want := range map[string]string{
		"":                  "https://s3.us-east-1.amazonaws.com",
		"with.dots":         "https://s3.us-east-1.amazonaws.com",
		"x--use1-az4--x-s3": "https://x--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com",
		"arn:aws:s3:us-west-2:123456789012:accesspoint/mine": "https://mine-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
	} {
		for _, config := range []s3.Config{{}, {NoSignRequest: true}} {
			if got, err := openAsIs(t, config).Endpoint(t.Context(), bucket); got.Value != want || err != nil {
				t.Errorf("%s: %+v, %v; want %s", bucket, got, err, want)
			}
		}
	}
}

// TestRegionNamed reports the region that the server named.
func TestRegionNamed(t *testing.T) {
	srv := script(t, answer(301, "", "X-Amz-Bucket-Region: eu-west-3"), answer(200, ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	if _, err := s.Bucket(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if got := s.Region("b"); got != (store.Setting{Value: "eu-west-3", From: "the server"}) {
		t.Errorf("got %+v", got)
	}
}

// TestLogin names the source of credentials, and never the credentials.
func TestLogin(t *testing.T) {
	keys := "aws_access_key_id = AKIAEXAMPLEWXYZ\naws_secret_access_key = " + secretKey + "\n"
	for name, tt := range map[string]struct {
		config            s3.Config
		env               map[string]string
		file, credentials string
		want              store.Login
	}{
		"environment": {s3.Config{}, map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEABCD", "AWS_SECRET_ACCESS_KEY": secretKey}, "", "",
			store.Login{From: "AWS_ACCESS_KEY_ID in the environment", KeyEnd: "ABCD"}},
		"short key": {s3.Config{}, map[string]string{"AWS_ACCESS_KEY_ID": "minio", "AWS_SECRET_ACCESS_KEY": secretKey}, "", "",
			store.Login{From: "AWS_ACCESS_KEY_ID in the environment"}},
		"profile": {s3.Config{Profile: "lab"}, nil, "[profile lab]\n", "[lab]\n" + keys,
			store.Login{From: "the profile lab in HOME/credentials", KeyEnd: "WXYZ"}},
		"in a form that only the AWS CLI reads": {s3.Config{Profile: "my lab"}, nil, "[profile 'my lab']\n" + keys, "",
			store.Login{From: "the profile my lab in HOME/config", KeyEnd: "WXYZ"}},
		"default profile": {s3.Config{}, nil, "", "[default]\n" + keys, store.Login{From: "the default profile in HOME/credentials", KeyEnd: "WXYZ"}},
		"process": {s3.Config{Profile: "lab"}, nil, "[profile lab]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"AKIAEXAMPLE5678\", \"SecretAccessKey\": \"" + secretKey +
			"\", \"Expiration\": \"2084-01-01T00:00:00Z\"}'\n", "",
			store.Login{From: "the credential_process of the profile lab", KeyEnd: "5678", Expires: time.Date(2084, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"unsigned": {s3.Config{NoSignRequest: true}, map[string]string{"AWS_ACCESS_KEY_ID": "AKIAEXAMPLEABCD", "AWS_SECRET_ACCESS_KEY": secretKey}, "", "", store.Login{}},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			for file, text := range map[string]string{"AWS_CONFIG_FILE": tt.file, "AWS_SHARED_CREDENTIALS_FILE": tt.credentials} {
				if err := os.WriteFile(os.Getenv(file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			got, err := openAsIs(t, tt.config).Login(t.Context())
			got.From = strings.ReplaceAll(got.From, filepath.Dir(os.Getenv("AWS_CONFIG_FILE")), "HOME")
			if got != tt.want || err != nil {
				t.Errorf("got %+v, %v", got, err)
			}
			if strings.Contains(fmt.Sprint(got), secretKey) {
				t.Error("the secret key is in it")
			}
		})
	}
}

func TestBucketSettings(t *testing.T) {
	retention := `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule></ObjectLockConfiguration>`
	rule := func(filter, status, days string) string {
		return `<Rule><ID>r</ID>` + filter + `<Status>` + status + `</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>` + days + `</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>`
	}
	for name, tt := range map[string]struct {
		what   store.BucketSetting
		answer http.HandlerFunc
		want   string
		kind   store.Kind
	}{
		"never versioned": {store.Versioning, answer(200, `<VersioningConfiguration/>`), "", ""},
		"versioned":       {store.Versioning, answer(200, `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`), "Enabled", ""},
		"denied":          {store.Versioning, fails(403, "AccessDenied", ""), "", store.Denied},
		"no lock":         {store.ObjectLock, fails(404, "ObjectLockConfigurationNotFoundError", ""), "", ""},
		"locks":           {store.ObjectLock, answer(200, retention), "GOVERNANCE 30 days", ""},
		"may lock":        {store.ObjectLock, answer(200, `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>`), "Enabled", ""},
		"no rules":        {store.AbortUploads, fails(404, "NoSuchLifecycleConfiguration", ""), "", ""},
		"other rules": {store.AbortUploads, answer(200, `<LifecycleConfiguration>`+rule(`<Filter><Prefix>tmp/</Prefix></Filter>`, "Enabled", "1")+rule(`<Prefix>tmp/</Prefix>`, "Enabled", "1")+
			rule(`<Filter/>`, "Disabled", "1")+`</LifecycleConfiguration>`), "", ""},
		"rules": {store.AbortUploads, answer(200, `<LifecycleConfiguration>`+rule(`<Filter><Prefix></Prefix></Filter>`, "Enabled", "9")+rule(`<Prefix></Prefix>`, "Enabled", "7")+`</LifecycleConfiguration>`), "7", ""},
		"payer": {store.RequestPayment, answer(200, `<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>`), "Requester", ""},
		"encrypted": {store.DefaultEncryption, answer(200, `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`),
			"aws:kms", ""},
		"not encrypted":       {store.DefaultEncryption, fails(404, "ServerSideEncryptionConfigurationNotFoundError", ""), "", ""},
		"not implemented":     {store.DefaultEncryption, fails(501, "NotImplemented", ""), "", store.Unsupported},
		"a listing instead":   {store.RequestPayment, answer(200, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`), "", store.Unsupported},
		"a login page":        {store.Versioning, answer(200, `<html></html>`, "Content-Type: text/html"), "", store.Unsupported},
		"no such bucket":      {store.ObjectLock, fails(404, "NoSuchBucket", ""), "", store.NoBucket},
		"not a known setting": {"color", answer(200, ``), "", store.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, s3.Config{Endpoint: script(t, tt.answer).URL})
			got, err := s.BucketSetting(t.Context(), "b", tt.what)
			if got != tt.want || store.KindOf(err) != tt.kind {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestPutIfMatch(t *testing.T) {
	srv := script(t, fails(412, "PreconditionFailed", "", "<Condition>If-Match</Condition>"), fails(412, "PreconditionFailed", ""), answer(200, ""))
	s := open(t, s3.Config{Endpoint: srv.URL})
	for _, want := range []store.Kind{store.Changed, store.Changed, ""} {
		_, err := s.PutIfMatch(context.Background(), store.PutRequest{Ref: ref, Body: section([]byte("x"))}, "tag")
		if store.KindOf(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
		if got := srv.last(t).header.Get("If-Match"); got != `"tag"` {
			t.Errorf("If-Match is %s", got)
		}
	}
}

func TestRefusesLogin(t *testing.T) {
	for code, want := range map[string]bool{"InvalidAccessKeyId": true, "SignatureDoesNotMatch": true, "ExpiredToken": true, "RequestTimeTooSkewed": true, "AccessDenied": false, "NoSuchBucket": false} {
		s := open(t, s3.Config{Endpoint: script(t, fails(403, code, "")).URL})
		_, err := s.BucketSetting(t.Context(), "b", store.Versioning)
		if got := s.RefusesLogin(err); got != want {
			t.Errorf("%s: %v", code, got)
		}
	}
}
