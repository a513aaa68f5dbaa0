package s3_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// closedURL is an address where nothing listens.
func closedURL(t *testing.T) string {
	srv := script(t, answer(200, ""))
	srv.Close()
	return srv.URL
}

// TestReasonForNoCredentials: the reason is reported, without secrets.
func TestReasonForNoCredentials(t *testing.T) {
	const secret = "hush-hush-hush"
	process := func(command string) func(*testing.T) {
		return func(t *testing.T) {
			write(t, "AWS_CONFIG_FILE", "[default]\ncredential_process = "+command+"\n")
		}
	}
	for name, c := range map[string]struct {
		set        func(*testing.T)
		none       bool
		text, hint string
	}{
		"nothing": {func(*testing.T) {}, true, "none in the environment", "--no-sign-request"},
		"SSO": {func(t *testing.T) {
			write(t, "AWS_CONFIG_FILE", "[default]\nsso_session = My Corp\nsso_account_id = 1\nsso_role_name = r\n[sso-session 'My Corp']\nsso_start_url = https://lab.awsapps.com/start\nsso_region = eu-west-1\n")
		}, false, "SSO session has ended", "aws sso login"},
		"process fails":       {process(`/bin/sh -c "exit 3"`), false, "credential_process failed: exit status 3", "credential_process"},
		"process prints":      {process("/bin/echo " + secret), false, "did not print credentials", "credential_process"},
		"process prints half": {process(`/bin/echo '{"Version":1,"SecretAccessKey":"` + secret + `"}'`), false, "AccessKeyId", "credential_process"},
		"web identity": {func(t *testing.T) {
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")
			t.Setenv("AWS_REGION", "eu-west-1")
		}, false, "/nowhere/token", ""},
		"container": {func(t *testing.T) {
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", closedURL(t)+"/x")
		}, false, "container", ""},
		"role denied": {func(t *testing.T) {
			sts := script(t, answer(403, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`, "Content-Type: text/xml"))
			t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
			t.Setenv("AWS_REGION", "eu-west-1")
			write(t, "AWS_CONFIG_FILE", "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = k\n[profile k]\naws_access_key_id = AKIA\naws_secret_access_key = "+secret+"\n")
		}, false, "AccessDenied: not you", "role_arn"},
		"line break": {func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAX\n")
			t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
		}, false, "AWS_ACCESS_KEY_ID contains", "echo -n"},
		"space": {func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAX")
			t.Setenv("AWS_SECRET_ACCESS_KEY", secret+" ")
		}, false, "AWS_SECRET_ACCESS_KEY contains", "echo -n"},
		"mfa, and nobody to ask": {func(t *testing.T) {
			write(t, "AWS_CONFIG_FILE", "[default]\nregion = eu-west-1\nrole_arn = arn:aws:iam::1:role/r\nmfa_serial = arn:aws:iam::1:mfa/a\nsource_profile = k\n[profile k]\naws_access_key_id = AKIA\naws_secret_access_key = "+secret+"\n")
		}, false, "MFA", "get-caller-identity"},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			c.set(t)
			srv := script(t, answer(200, ""))
			began := time.Now()
			e := storeError(t, operations["PutObject"](context.Background(), openAsIs(t, s3.Config{Endpoint: srv.URL}), nil))
			if e.Kind != store.NoCredentials || e.Retryable() || errors.Is(e, s3.ErrNoneFound) != c.none || len(srv.requests()) > 0 {
				t.Errorf("%+v", e)
			}
			text := e.Error() + " " + fmt.Sprint(e.Err)
			if !strings.Contains(text, c.text) || !strings.Contains(e.Hint, c.hint) || strings.Contains(text+e.Hint, secret) {
				t.Errorf("%s: %s", text, e.Hint)
			}
			t.Log(time.Since(began), text, "HINT", e.Hint)
		})
	}
}

// assumed answers AssumeRole.
func assumed(key string) http.HandlerFunc {
	return answer(200, fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`,
		key, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)), "Content-Type: text/xml")
}

// TestRole: a role is assumed for an hour, its MFA code asked for once, and its credentials kept where the AWS CLI looks.
func TestRole(t *testing.T) {
	clearEnv(t)
	t.Setenv("AWS_REGION", "eu-west-1")
	write(t, "AWS_CONFIG_FILE", "[profile 'my lab']\nrole_arn = arn:aws:iam::1:role/r\nmfa_serial = arn:aws:iam::1:mfa/a\nexternal_id = a&b\nretry_mode = legacy\nsource_profile = k\n[profile k]\naws_access_key_id = AKIA\naws_secret_access_key = s\n")
	sts := script(t, assumed("ASIAONE"))
	t.Setenv("AWS_ENDPOINT_URL_STS", sts.URL)
	cache := filepath.Join(t.TempDir(), "cli", "cache")
	asked := 0
	c := s3.Config{Profile: "my lab", RoleCache: cache, MFA: func(serial string) (string, error) {
		if asked++; serial != "arn:aws:iam::1:mfa/a" {
			t.Errorf("asked for %q", serial)
		}
		return " 123456\n", nil
	}}
	srv := script(t, echoing(200, ""))
	c.Endpoint = srv.URL
	for range 2 { // two processes
		if err := operations["PutObject"](context.Background(), openAsIs(t, c), nil); err != nil {
			t.Fatal(err)
		}
		if h := srv.last(t).header.Get("Authorization"); !strings.Contains(h, "ASIAONE/") {
			t.Errorf("signed by %s", h)
		}
	}
	if asked != 1 || len(sts.requests()) != 1 {
		t.Errorf("asked %d times, %d requests to STS", asked, len(sts.requests()))
	}
	form, _ := url.ParseQuery(string(sts.last(t).body))
	if form.Get("DurationSeconds") != "3600" || form.Get("TokenCode") != "123456" || form.Get("SerialNumber") != "arn:aws:iam::1:mfa/a" {
		t.Errorf("STS was asked %v", form)
	}
	// As botocore names it: sha1(json.dumps(parameters, sort_keys=True)).
	key := fmt.Sprintf("%x", sha1.Sum([]byte(`{"ExternalId": "a&b", "RoleArn": "arn:aws:iam::1:role/r", "SerialNumber": "arn:aws:iam::1:mfa/a"}`)))
	file := filepath.Join(cache, key+".json")
	fi, err := os.Stat(file)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", fi, err)
	}
	// What the AWS CLI writes is read, while it is good for 15 minutes.
	theirs := func(left time.Duration) {
		text := fmt.Sprintf(`{"Credentials": {"AccessKeyId": "ASIACLI", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "%s"}, "AssumedRoleUser": {"AssumedRoleId": "A:x", "Arn": "arn"}, "ResponseMetadata": {"RetryAttempts": 0}}`,
			time.Now().Add(left).UTC().Format("2006-01-02T15:04:05UTC"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for left, want := range map[time.Duration]string{time.Hour: "ASIACLI/", 10 * time.Minute: "ASIAONE/"} {
		theirs(left)
		if err := operations["PutObject"](context.Background(), openAsIs(t, c), nil); err != nil || !strings.Contains(srv.last(t).header.Get("Authorization"), want) {
			t.Errorf("with %v left: %v, %s", left, err, srv.last(t).header.Get("Authorization"))
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "haul-aws-*")); len(left) > 0 {
		t.Errorf("copies of the file are left: %v", left)
	}
}

func TestBadFiles(t *testing.T) {
	for _, variable := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		for _, text := range []string{"\xef\xbb\xbf[default]\nregion = x\n", "{\"a\": 1}", "[default]\nAKIASECRET\n"} {
			clearEnv(t)
			write(t, variable, text)
			_, err := s3.Open(context.Background(), s3.Config{})
			if e := storeError(t, err); e.Kind != store.Invalid || !strings.Contains(e.Error(), os.Getenv(variable)+", line ") || strings.Contains(e.Error(), "SECRET") {
				t.Errorf("%q: %v", text, err)
			}
		}
	}
}

// TestRegionOfMachine: on EC2 the region is that of the instance, unless another is named; off EC2 nobody waits for long.
func TestRegionOfMachine(t *testing.T) {
	setKeys(t)
	os.Unsetenv("AWS_EC2_METADATA_DISABLED")
	ec2 := script(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/api/token"):
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			_, _ = w.Write([]byte("token"))
		case strings.Contains(r.URL.Path, "instance-identity/document"):
			_, _ = w.Write([]byte(`{"region": "ap-south-2"}`))
		default:
			_, _ = w.Write([]byte("ap-south-2"))
		}
	})
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", ec2.URL)
	signed := func(c s3.Config) string {
		address, err := openAsIs(t, c).Presign(context.Background(), ref, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	if got := signed(s3.Config{}); !strings.Contains(got, "ap-south-2") {
		t.Errorf("signed for %s", got)
	}
	if got := signed(s3.Config{Region: "eu-west-1"}); strings.Contains(got, "ap-south-2") {
		t.Errorf("signed for %s", got)
	}
	n := len(ec2.requests())
	if got := signed(s3.Config{Endpoint: "http://localhost:1"}); len(ec2.requests()) != n {
		t.Errorf("asked for a store other than Amazon's: %s", got)
	}
}

// TestRegionOfARN: the region of an access point counts, unless the user says otherwise.
func TestRegionOfARN(t *testing.T) {
	setKeys(t)
	t.Setenv("AWS_REGION", "us-east-1")
	point := store.Ref{Bucket: "arn:aws:s3:eu-west-1:123456789012:accesspoint/lab", Key: "k"}
	address, err := openAsIs(t, s3.Config{}).Presign(context.Background(), point, time.Minute)
	if err != nil || !strings.Contains(address, "lab-123456789012.s3-accesspoint.eu-west-1.amazonaws.com") {
		t.Errorf("%s: %v", address, err)
	}
	t.Setenv("AWS_S3_USE_ARN_REGION", "false")
	if address, err := openAsIs(t, s3.Config{}).Presign(context.Background(), point, time.Minute); err == nil {
		t.Errorf("got %s", address)
	}
}

// TestExpiredInEnvironment: a token of the environment stays what it is, so that no try can help.
func TestExpiredInEnvironment(t *testing.T) {
	s := open(t, s3.Config{Endpoint: script(t, fails(400, "ExpiredToken", "over")).URL})
	e := storeError(t, operations["PutObject"](context.Background(), s, nil))
	if e.Kind != store.Expired || e.Retryable() || !strings.Contains(e.Hint, "AWS_SESSION_TOKEN") {
		t.Errorf("%+v", e)
	}
}
