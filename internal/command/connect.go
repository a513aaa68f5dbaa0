package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"haul.example/haul/internal/configfile"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

// Connection says which store to open, and as whom. What is empty is found as the AWS SDK finds it: environment, ~/.aws, SSO, IMDS.
type Connection struct {
	Endpoint, Region, Profile string
	NoSignRequest             bool
	CABundle                  string
	NoVerifySSL               bool
	Addressing                string
	Accelerate, DualStack     bool

	Store string           // the name of the store in config.toml that s3:// means; empty is none
	named configfile.Store // that store
	// renames are the buckets that the user wrote with its name.
	renames []ui.Rename

	Regions map[string]string // of buckets, if they are not that of Region
}

// check refuses what cannot be, before any request.
func (c *Connection) check() error {
	if c.Endpoint != "" {
		u, err := url.Parse(c.Endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return Usagef("--endpoint-url: %q is not a URL; write it like https://s3.example.org", c.Endpoint)
		}
		if u.User != nil {
			return Usagef("--endpoint-url: credentials do not belong in the address; use a profile or AWS_ACCESS_KEY_ID")
		}
	}
	switch c.Addressing {
	case "auto", "path", "virtual":
	default:
		return Usagef("--addressing must be auto, path or virtual (got %q)", c.Addressing)
	}
	return checkProxies()
}

// proxyVariables are those that net/http reads.
var proxyVariables = []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}

// checkProxies refuses an invalid proxy address: net/http would connect without a proxy, silently.
func checkProxies() error {
	for _, name := range proxyVariables {
		address := os.Getenv(name)
		if address == "" {
			continue
		}
		if !strings.Contains(address, "://") {
			address = "http://" + address
		}
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			return Usagef("%s is not a proxy address; write it like http://gate.example.org:3128 or http://USER:PASSWORD@gate.example.org:3128, with special characters as %%XX", name)
		}
	}
	return nil
}

// line returns a suggested command, which reaches the same store as the same user. An address that names the store takes the place of
// --store.
func (c *Connection) line(words ...string) string {
	flags := c.words()
	if c.Store != "" && slices.ContainsFunc(words, c.namesStore) {
		flags = flags[2:] // --store is the first
	}
	return ShellLine(append(words, flags...)...)
}

// namesStore reports whether a word is shown as an address that begins with the name of the store.
func (c *Connection) namesStore(word string) bool {
	rest, ok := strings.CutPrefix(word, Scheme)
	bucket, _, _ := strings.Cut(rest, "/")
	return ok && slices.Contains(c.renames, ui.Rename{Bucket: bucket, Store: c.Store})
}

// words returns the flags that a suggested command needs to reach the same store as the same user.
func (c *Connection) words() []string {
	var w []string
	add := func(flag, value string) {
		if value != "" {
			w = append(w, flag, value)
		}
	}
	add("--store", c.Store)
	add("--endpoint-url", c.Endpoint)
	add("--region", c.Region)
	add("--profile", c.Profile)
	add("--ca-bundle", c.CABundle)
	if c.NoSignRequest {
		w = append(w, "--no-sign-request")
	}
	if c.NoVerifySSL {
		w = append(w, "--no-verify-ssl")
	}
	if c.Addressing != "auto" {
		add("--addressing", c.Addressing)
	}
	if c.Accelerate {
		w = append(w, "--accelerate")
	}
	if c.DualStack {
		w = append(w, "--dualstack")
	}
	return w
}

// open opens the store.
func (c *Connection) open(ctx context.Context) (*s3.Store, error) {
	return c.openWithin(ctx, 0)
}

// openWithin opens the store; each of its connections may take so long to open, or the usual time if that is 0.
func (c *Connection) openWithin(ctx context.Context, dial time.Duration) (*s3.Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.HalfKeys() {
		return nil, &store.Error{Kind: store.NoCredentials, Op: "Open", Hint: "set AWS_SECRET_ACCESS_KEY as well, or unset AWS_ACCESS_KEY_ID to use a profile",
			Err: errors.New("AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not")}
	}
	cfg := c.Config()
	cfg.DialTimeout = dial
	return s3.Open(ctx, cfg)
}

// HalfKeys reports whether the environment, if it is used, has an access key without its secret.
func (c *Connection) HalfKeys() bool {
	e := c.effective()
	return e.Profile == "" && !e.NoSignRequest && os.Getenv("AWS_ACCESS_KEY_ID") != "" && os.Getenv("AWS_SECRET_ACCESS_KEY") == ""
}

// Config returns the configuration of the store.
func (c *Connection) Config() s3.Config {
	normalizeEnv()
	e := c.effective()
	cfg := s3.Config{
		Endpoint: e.Endpoint, Region: e.Region, Profile: e.Profile, NoSignRequest: e.NoSignRequest,
		NoVerifySSL: e.NoVerifySSL, CABundle: e.CABundle, Accelerate: e.Accelerate, DualStack: e.DualStack,
		Regions: c.Regions, MFA: askMFA, RoleCache: roleCache(),
	}
	if c.Store != "" && c.Endpoint == "" && c.Region == "" {
		cfg.Source = "the store " + c.Store + " in config.toml"
	}
	switch e.Addressing {
	case "path":
		cfg.Addressing = s3.AddressPath
	case "virtual":
		cfg.Addressing = s3.AddressVirtual
	}
	return cfg
}

// normalizeEnv rewrites variables that the AWS CLI reads differently from the SDK: to the CLI any value of a switch but true is false,
// it has one more retry mode (haul's is its own), and an older name of the session token.
func normalizeEnv() {
	for _, name := range []string{"AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "AWS_S3_USE_ARN_REGION",
		"AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"} {
		if v := os.Getenv(name); v != "" && !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			_ = os.Setenv(name, "false")
		}
	}
	if os.Getenv("AWS_RETRY_MODE") == "legacy" {
		_ = os.Setenv("AWS_RETRY_MODE", "standard")
	}
	if v := os.Getenv("AWS_SECURITY_TOKEN"); v != "" && os.Getenv("AWS_SESSION_TOKEN") == "" {
		_ = os.Setenv("AWS_SESSION_TOKEN", v)
	}
}

// askMFA asks for the code of an MFA device. It is shown as it is typed: it is good once, and reading it unseen would leave the terminal
// dark at Ctrl-C.
func askMFA(serial string) (string, error) {
	return ask(context.Background(), fmt.Sprintf("\nEnter MFA code for %s: ", serial))
}

// ask asks for a line on the terminal, whatever standard input and output are, until ctx ends.
func ask(ctx context.Context, question string) (string, error) {
	in, out := "/dev/tty", "/dev/tty"
	if runtime.GOOS == "windows" {
		in, out = "CONIN$", "CONOUT$"
	}
	keys, err := os.OpenFile(in, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer keys.Close() // only read from
	screen, err := os.OpenFile(out, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprint(screen, question)
	if err = errors.Join(err, screen.Close()); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = keys.SetReadDeadline(time.Now()) }) // a terminal that has no deadlines needs a second signal
	defer stop()
	text, err := bufio.NewReader(keys).ReadString('\n')
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return text, err
}

// roleCache is the folder where the AWS CLI keeps the credentials of roles, or "" if there is no home folder.
func roleCache() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".aws", "cli", "cache")
}
