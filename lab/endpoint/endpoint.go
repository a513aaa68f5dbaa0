// Package endpoint names an S3 server and gives programs, or the test itself, an environment in which they see that server and nothing
// of the machine's own: no profiles, no instance metadata, no home.
package endpoint

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Endpoint is where a server is, and who may use it.
type Endpoint struct {
	URL string
	// CA is the path of the certificate that signs the server's own; empty for HTTP.
	CA        string
	AccessKey string
	SecretKey string
}

// Command makes a command that uses the endpoint; home is a folder for its records and settings.
func (e Endpoint) Command(home, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = e.Env(home)
	return cmd
}

// Env gives a whole environment for a program.
func (e Endpoint) Env(home string) []string {
	env := Bare(home)
	v := e.variables()
	for _, k := range slices.Sorted(maps.Keys(v)) {
		env = append(env, k+"="+v[k])
	}
	return append(env, "HAUL_STATE_DIR="+StateDir(home))
}

// StateDir is where haul keeps its records when it runs with that home.
func StateDir(home string) string { return filepath.Join(home, "state") }

// Setenv sets the test's own environment.
func (e Endpoint) Setenv(tb testing.TB) {
	tb.Helper()
	for _, kv := range os.Environ() {
		if k, _, _ := strings.Cut(kv, "="); strings.HasPrefix(k, "AWS_") {
			tb.Setenv(k, "") // so that it comes back at the end
			if err := os.Unsetenv(k); err != nil {
				tb.Fatal(err)
			}
		}
	}
	for k, v := range e.variables() {
		tb.Setenv(k, v)
	}
}

func (e Endpoint) variables() map[string]string {
	v := map[string]string{
		"AWS_ACCESS_KEY_ID":           e.AccessKey,
		"AWS_SECRET_ACCESS_KEY":       e.SecretKey,
		"AWS_REGION":                  "us-east-1",
		"AWS_DEFAULT_REGION":          "us-east-1", // the AWS CLI's own name for it
		"AWS_ENDPOINT_URL":            e.URL,
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
	if e.CA != "" {
		v["AWS_CA_BUNDLE"] = e.CA
	}
	return v
}

// Bare is the environment of a program that knows of no store.
func Bare(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + os.TempDir(), "LC_ALL=C.UTF-8"}
}
