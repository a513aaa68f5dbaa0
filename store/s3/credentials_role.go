package s3

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"

	"haul.example/haul/store"
)

const (
	// roleSession is how long a role is assumed for if the profile sets no duration; it is the default of STS, and the
	// maximum for a role assumed by another role.
	roleSession = time.Hour
	// roleSpare is how long credentials of the cache must still be valid; the AWS CLI has the same 15 minutes.
	roleSpare = 15 * time.Minute
)

var errNoMFA = errors.New("the profile's role requires an MFA code (mfa_serial), and there is no terminal to ask for it")

const mfaHint = "run `aws sts get-caller-identity` with the same profile in a terminal: for an hour, haul then uses the credentials that it leaves in ~/.aws/cli/cache"

// assuming returns the options with which roles are assumed.
func assuming(c Config) config.LoadOptionsFunc {
	return config.WithAssumeRoleCredentialOptions(func(o *stscreds.AssumeRoleOptions) {
		if o.Duration == 0 {
			o.Duration = roleSession
		}
		serial := aws.ToString(o.SerialNumber)
		o.TokenProvider = func() (string, error) {
			if c.MFA == nil {
				return "", errNoMFA
			}
			code, err := c.MFA(serial)
			if err != nil {
				return "", errors.Join(errNoMFA, err)
			}
			return strings.TrimSpace(code), nil
		}
	})
}

// roleKey names the credentials of a role as the AWS CLI does: by the SHA-1 of the request's parameters, written as
// Python's json.dumps writes them with sorted keys. A session name that was not configured is not a part of it.
func roleKey(s config.SharedConfig) string {
	var b strings.Builder
	add := func(name string, value any) {
		text, _ := json.Marshal(value) // of a string or a number
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(`"` + name + `": ` + pythonJSON(string(text)))
	}
	if d := s.RoleDurationSeconds; d != nil {
		add("DurationSeconds", int64(d.Seconds()))
	}
	for _, p := range []struct{ name, value string }{
		{"ExternalId", s.ExternalID}, {"RoleArn", s.RoleARN}, {"RoleSessionName", s.RoleSessionName}, {"SerialNumber", s.MFASerial},
	} {
		if p.value != "" {
			add(p.name, p.value)
		}
	}
	sum := sha1.Sum([]byte("{" + b.String() + "}"))
	return hex.EncodeToString(sum[:])
}

// pythonJSON undoes escapes that Go makes and Python does not. Roles, serials and names are ASCII.
func pythonJSON(s string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(s)
}

// roleCache keeps the credentials of a role in the file where the AWS CLI keeps them too.
type roleCache struct {
	aws.CredentialsProvider // assumes the role
	file                    string
}

// cachedRole is a file of the cache.
type cachedRole struct {
	Credentials struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
		AccountID       string `json:"AccountId,omitempty"`
	}
}

// Retrieve returns the credentials in the file while they are valid, or else assumes the role.
func (r *roleCache) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if v, ok := r.read(time.Now()); ok {
		return v, nil
	}
	v, err := r.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		_ = r.write(v) // the next run asks again
	}
	return v, err
}

// ProviderSources returns those of the provider below.
func (r *roleCache) ProviderSources() []aws.CredentialSource {
	if s, ok := r.CredentialsProvider.(aws.CredentialProviderSource); ok {
		return s.ProviderSources()
	}
	return nil
}

func (r *roleCache) read(now time.Time) (aws.Credentials, bool) {
	text, err := os.ReadFile(r.file)
	var c cachedRole
	if err != nil || json.Unmarshal(text, &c) != nil {
		return aws.Credentials{}, false
	}
	k := c.Credentials
	until, err := time.Parse(time.RFC3339, strings.Replace(k.Expiration, "UTC", "Z", 1))
	if err != nil || until.Sub(now) < roleSpare || k.AccessKeyID == "" || k.SecretAccessKey == "" {
		return aws.Credentials{}, false
	}
	return aws.Credentials{
		AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, AccountID: k.AccountID,
		Source: stscreds.ProviderName, CanExpire: true, Expires: until,
	}, true
}

func (r *roleCache) write(v aws.Credentials) error {
	var c cachedRole
	k := &c.Credentials
	k.AccessKeyID, k.SecretAccessKey, k.SessionToken, k.AccountID = v.AccessKeyID, v.SecretAccessKey, v.SessionToken, v.AccountID
	k.Expiration = v.Expires.UTC().Format(time.RFC3339)
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	dir := filepath.Dir(r.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".haul-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), r.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// checkKeys refuses credentials that cannot be valid: a secret of Kubernetes often ends with a line break.
func checkKeys(v aws.Credentials) error {
	for _, k := range []struct{ what, variable, value string }{
		{"access key", "AWS_ACCESS_KEY_ID", v.AccessKeyID}, {"secret key", "AWS_SECRET_ACCESS_KEY", v.SecretAccessKey},
		{"session token", "AWS_SESSION_TOKEN", v.SessionToken},
	} {
		if !blank(k.value) {
			continue
		}
		name, hint := "the "+k.what, "set it again without spaces or line breaks; it comes from: "+v.Source
		if v.Source == config.CredentialsSourceName {
			name, hint = k.variable, "set it again without spaces or line breaks; a secret written with echo ends with a line break (use echo -n)"
		}
		return &store.Error{Kind: store.NoCredentials, Hint: hint, Err: errors.New(name + " contains a space, a line break or another character that cannot be part of it")}
	}
	return nil
}
