package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"

	"haul.example/haul/store"
)

const credentialsHint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or choose a profile from ~/.aws/config with --profile; " +
	"for a public bucket, add --no-sign-request"

// credentials provides what requests are signed with. If a server says that they have expired, they are looked up again
// from the start, shared config files included, since that is where `aws sso login` and its like leave new ones.
type credentials struct {
	reload func(context.Context) (aws.CredentialsProvider, error) // immutable

	mu       sync.Mutex
	provider aws.CredentialsProvider // nil: to be loaded
	age      int                     // counts reloads
	had      bool                    // some were found once
	secrets  []string                // of those found last
	fixed    bool                    // those found last come from this process's environment, and so cannot change
}

// Retrieve returns the credentials for one request.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	p, age, had, err := c.current(ctx)
	if x := roundTripOf(ctx); x != nil {
		x.credentials = age
	}
	if err == nil {
		var v aws.Credentials
		if v, err = retrieve(ctx, p, had); err == nil {
			err = checkKeys(v)
		}
		if err == nil {
			c.mu.Lock()
			c.had, c.fixed = true, v.Source == config.CredentialsSourceName
			if len(c.secrets) == 0 || c.secrets[0] != v.SecretAccessKey {
				c.secrets = []string{v.SecretAccessKey, v.SessionToken, v.AccessKeyID}
			}
			c.mu.Unlock()
			return v, nil
		}
	}
	if ctx.Err() != nil {
		return aws.Credentials{}, err
	}
	return aws.Credentials{}, c.explain(err)
}

// imdsTimeout bounds the first look for a role of this machine: off EC2 there may be no answer at all, and if a network
// drops the request the SDK would take 5 s to give up.
const imdsTimeout = 3 * time.Second

func retrieve(ctx context.Context, p aws.CredentialsProvider, had bool) (aws.Credentials, error) {
	if had || !from(p, aws.CredentialSourceIMDS) {
		return p.Retrieve(ctx)
	}
	tctx, cancel := context.WithTimeout(ctx, imdsTimeout)
	defer cancel()
	v, err := p.Retrieve(tctx)
	if err != nil && tctx.Err() != nil && ctx.Err() == nil {
		return v, errNoRole
	}
	return v, err
}

var errNoRole = errors.New("no role of this machine")

// ErrNoneFound is in the chain of an error of kind store.NoCredentials if none are configured at all; else its text says
// why those that are could not be loaded.
var ErrNoneFound = errors.New("none in the environment, in ~/.aws, or from a role of this machine")

// current returns the provider to ask, its age, and whether credentials were found before.
func (c *credentials) current(ctx context.Context) (aws.CredentialsProvider, int, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider == nil {
		p, err := c.reload(ctx)
		if err != nil {
			return nil, c.age, c.had, err
		}
		c.provider = p
		c.age++
	}
	return c.provider, c.age, c.had, nil
}

// expire forgets the credentials of that age; newer ones stay.
func (c *credentials) expire(age int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.age == age {
		c.provider = nil
	}
}

// lasting marks the error about expired credentials as one that no further try can fix, if they come from the environment.
func (c *credentials) lasting(e *store.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fixed {
		e.Lasting = true
		e.Hint = "the token in AWS_SESSION_TOKEN has expired: set new AWS_* variables, or unset them to use a profile, and run the command again"
	}
}

// hidden lists what must not show up in any text.
func (c *credentials) hidden() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets
}

// explain returns an Error for a failure to find credentials.
func (c *credentials) explain(err error) error {
	var known *store.Error
	if errors.As(err, &known) {
		return err
	}
	c.mu.Lock()
	had, p := c.had, c.provider
	c.mu.Unlock()

	e := &store.Error{Kind: store.NoCredentials, Hint: credentialsHint}
	if had {
		e.Kind = store.Expired
		e.Hint = "the credentials have expired and could not be renewed: log in again (`aws sso login`) or renew them"
	}
	var op *smithy.OperationError
	var said smithy.APIError
	switch {
	case errors.Is(err, errNoMFA):
		e.Err, e.Hint = errNoMFA, mfaHint
	case errors.As(err, &op) && op.ServiceID == "STS" && errors.As(err, &said):
		e.Op, e.Code, e.Message = op.OperationName, said.ErrorCode(), redact(said.ErrorMessage(), c.hidden()...)
		e.Hint = "check role_arn, source_profile and external_id in the profile, and the role's trust policy"
	case from(p, aws.CredentialSourceSSO, aws.CredentialSourceSSOLegacy) && !brokenAnswer(err):
		e.Err = errors.New("the SSO session has ended")
		e.Hint = "log in again with `aws sso login`, with --profile NAME if you use one"
	case from(p, aws.CredentialSourceProcess):
		e.Err, e.Hint = processError(err), "run the profile's credential_process by hand to see what is wrong"
	case errors.Is(err, errNoRole), errors.As(err, &op) && op.ServiceID == imds.ServiceID:
		e.Err = ErrNoneFound
	case errors.As(err, &op):
		e.Err = fmt.Errorf("%s%s %s: %s", sourceText(p), op.ServiceID, op.OperationName, redact(lastError(op), c.hidden()...))
		e.Hint = "the service that provides credentials did not respond: check the network and the proxy (HTTPS_PROXY)"
	default:
		e.Err = errors.New(redact(sourceText(p)+err.Error(), c.hidden()...))
	}
	return e
}

// processError reports how a credential_process failed, without anything that it printed.
func processError(err error) error {
	var ended *exec.ExitError
	var syntax *json.SyntaxError
	var form *json.UnmarshalTypeError
	switch {
	case errors.As(err, &ended):
		return fmt.Errorf("credential_process failed: %w", ended)
	case errors.As(err, &syntax), errors.As(err, &form):
		return errors.New("credential_process did not print credentials as JSON")
	}
	return fmt.Errorf("credential_process: %s", redact(lastError(err)))
}

// sourceText names the source of credentials.
func sourceText(p aws.CredentialsProvider) string {
	switch {
	case from(p, aws.CredentialSourceEnvVarsSTSWebIDToken, aws.CredentialSourceProfileSTSWebIDToken):
		return "no credentials from the web identity: "
	case from(p, aws.CredentialSourceHTTP):
		return "no credentials from the container's endpoint: "
	}
	return ""
}

// from reports whether a provider finds its credentials in one of these ways.
func from(p aws.CredentialsProvider, sources ...aws.CredentialSource) bool {
	s, ok := p.(aws.CredentialProviderSource)
	return ok && slices.ContainsFunc(s.ProviderSources(), func(s aws.CredentialSource) bool { return slices.Contains(sources, s) })
}
