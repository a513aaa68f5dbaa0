package s3_test

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

func write(t *testing.T, env, text string) {
	t.Helper()
	if err := os.WriteFile(os.Getenv(env), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNoCredentials(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	missing := script(t, answer(404, ""))
	for name, set := range map[string]func(*testing.T){
		"none":        func(*testing.T) {},
		"empty files": func(t *testing.T) { write(t, "AWS_CONFIG_FILE", "[default]\nregion = eu-west-1\n") },
		"not on EC2": func(t *testing.T) {
			os.Unsetenv("AWS_EC2_METADATA_DISABLED")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", missing.URL)
		},
		"behind a firewall": func(t *testing.T) {
			os.Unsetenv("AWS_EC2_METADATA_DISABLED")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+silent.Addr().String())
		},
		"process": func(t *testing.T) {
			write(t, "AWS_CONFIG_FILE", "[default]\ncredential_process = /bin/sh -c \"exit 3\"\n")
		},
		"SSO ended": func(t *testing.T) {
			write(t, "AWS_CONFIG_FILE", "[default]\nsso_session = lab\nsso_account_id = 1\nsso_role_name = r\n[sso-session lab]\nsso_start_url = https://lab.awsapps.com/start\nsso_region = eu-west-1\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnv(t)
			set(t)
			srv := script(t, answer(200, ""))
			s := openAsIs(t, s3.Config{Endpoint: srv.URL})
			start := time.Now()
			e := storeError(t, operations["PutObject"](context.Background(), s, nil))
			if e.Kind != store.NoCredentials || e.Hint == "" || e.Retryable() || e.Op != "PutObject" || e.Ref != ref || len(srv.requests()) != 0 {
				t.Errorf("%+v", e)
			}
			if want := cmp.Or(map[string]string{"SSO ended": "aws sso login", "process": "credential_process"}[name], "--no-sign-request"); !strings.Contains(e.Hint, want) {
				t.Errorf("hint is %q", e.Hint)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
			t.Log(time.Since(start), e)
		})
	}
}

func TestNoSignRequest(t *testing.T) {
	clearEnv(t)
	srv := script(t, echoing(200, ""), fails(403, "AccessDenied", ""))
	s := openAsIs(t, s3.Config{Endpoint: srv.URL, NoSignRequest: true})
	if err := operations["PutObject"](context.Background(), s, nil); err != nil {
		t.Fatal(err)
	}
	if h := srv.last(t).header; h.Get("Authorization") != "" {
		t.Errorf("headers are %v", h)
	}
	e := storeError(t, operations["GetObject"](context.Background(), s, nil))
	if e.Kind != store.Denied || !strings.Contains(e.Hint, "omit --no-sign-request") {
		t.Errorf("%+v", e)
	}
}

// TestExpired renews the shared credentials file, as `aws sso login` and its like do, after the server refused the old ones.
func TestExpired(t *testing.T) {
	clearEnv(t)
	file := func(key string) {
		write(t, "AWS_SHARED_CREDENTIALS_FILE", "[default]\naws_access_key_id = "+key+"\naws_secret_access_key = s\naws_session_token = t\n")
	}
	file("AKIAOLD")
	srv := script(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "AKIAOLD") {
			fails(400, "ExpiredToken", "The provided token has expired.")(w, r)
			return
		}
		echoing(200, "")(w, r)
	})
	s := openAsIs(t, s3.Config{Endpoint: srv.URL})
	for range 2 {
		e := storeError(t, operations["UploadPart"](context.Background(), s, nil))
		if e.Kind != store.Expired || !e.Retryable() {
			t.Errorf("%+v", e)
		}
	}
	file("AKIANEW")
	if err := operations["UploadPart"](context.Background(), s, nil); err != nil {
		t.Errorf("with new credentials: %v", err)
	}
	file("AKIAOTHER")
	if err := operations["UploadPart"](context.Background(), s, nil); err != nil || !strings.Contains(srv.last(t).header.Get("Authorization"), "AKIANEW") {
		t.Errorf("good credentials were dropped: %v", err)
	}
}

// TestExpiredAndGone: credentials that cannot be renewed in the middle of a transfer are worth waiting for.
func TestExpiredAndGone(t *testing.T) {
	clearEnv(t)
	write(t, "AWS_SHARED_CREDENTIALS_FILE", "[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = s\n")
	s := openAsIs(t, s3.Config{Endpoint: script(t, fails(400, "ExpiredToken", "")).URL})
	_ = operations["UploadPart"](context.Background(), s, nil)
	write(t, "AWS_SHARED_CREDENTIALS_FILE", "")
	e := storeError(t, operations["UploadPart"](context.Background(), s, nil))
	if e.Kind != store.Expired || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

// TestSources: what the flag, the environment and the profile say, in that order.
func TestSources(t *testing.T) {
	flag, env, service, profile := script(t, echoing(200, "")), script(t, echoing(200, "")), script(t, echoing(200, "")), script(t, echoing(200, ""))
	clearEnv(t)
	write(t, "AWS_CONFIG_FILE", fmt.Sprintf("[profile lab]\nregion = eu-north-1\nendpoint_url = %s\naws_access_key_id = AKIALAB\naws_secret_access_key = s\n", profile.URL))
	check := func(name string, c s3.Config, srv *scripted, scope string) {
		t.Helper()
		if err := operations["PutObject"](context.Background(), openAsIs(t, c), nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(srv.requests()) == 0 || !strings.Contains(srv.last(t).header.Get("Authorization"), scope) {
			t.Errorf("%s: %v", name, srv.requests())
		}
	}
	check("profile", s3.Config{Profile: "lab"}, profile, "Credential=AKIALAB/"+time.Now().UTC().Format("20060102")+"/eu-north-1/s3/")
	t.Setenv("AWS_PROFILE", "lab")
	check("AWS_PROFILE", s3.Config{}, profile, "AKIALAB")
	t.Setenv("AWS_ENDPOINT_URL", env.URL)
	check("AWS_ENDPOINT_URL", s3.Config{}, env, "/eu-north-1/")
	t.Setenv("AWS_ENDPOINT_URL_S3", service.URL)
	t.Setenv("AWS_REGION", "eu-south-1")
	check("AWS_ENDPOINT_URL_S3", s3.Config{}, service, "/eu-south-1/")
	check("flags", s3.Config{Endpoint: flag.URL, Region: "ap-east-1"}, flag, "/ap-east-1/")
	clearEnv(t)
	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	check("nothing", s3.Config{Endpoint: flag.URL}, flag, "/us-east-1/")
}
