package s3

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"haul.example/haul/internal/awsfile"
)

// sharedFiles checks ~/.aws/config and ~/.aws/credentials, or the files configured in their place, and returns the options
// by which the SDK reads them. A file in a form that the AWS CLI reads and the SDK does not is passed as a copy.
func sharedFiles() (opts []func(*config.LoadOptions) error, copies fileCopies, err error) {
	env, _ := config.NewEnvConfig() // errors in the environment are reported by LoadDefaultConfig
	copies = fileCopies{}
	for _, f := range []struct {
		named, usual string
		give         func([]string) config.LoadOptionsFunc
	}{
		{env.SharedConfigFile, config.DefaultSharedConfigFilename(), config.WithSharedConfigFiles},
		{env.SharedCredentialsFile, config.DefaultSharedCredentialsFilename(), config.WithSharedCredentialsFiles},
	} {
		path := f.usual
		if f.named != "" {
			path = awsfile.Path(f.named)
		}
		parsed, err := awsfile.Read(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, nil, errors.Join(setupError("correct the file, or name another with AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE", err), copies.remove())
		}
		read := path
		if text, changed := parsed.Plain(); changed {
			if read, err = privateCopy(text); err != nil {
				return nil, nil, errors.Join(setupError("free some space in the folder for temporary files", err), copies.remove())
			}
			copies[read] = path
		}
		opts = append(opts, f.give([]string{read}))
	}
	return opts, copies, nil
}

// fileCopies are the originals of files that the SDK reads as copies, by the paths of the copies.
type fileCopies map[string]string

// remove removes the copies.
func (f fileCopies) remove() error {
	var all error
	for name := range f {
		all = errors.Join(all, os.Remove(name))
	}
	return all
}

// privateCopy writes text into a temporary file that only this user may read.
func privateCopy(text string) (string, error) {
	f, err := os.CreateTemp("", "haul-aws-*")
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// useARNRegion reports whether the region in an access point's ARN counts, as it does unless AWS_S3_USE_ARN_REGION or the
// profile says no.
func useARNRegion(ctx context.Context, cfg aws.Config) bool {
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetS3UseARNRegion(context.Context) (bool, bool, error)
		}); ok {
			if use, found, err := s.GetS3UseARNRegion(ctx); err == nil && found {
				return use
			}
		}
	}
	return true
}

// shared returns the profile that cfg was made from.
func shared(cfg aws.Config) config.SharedConfig {
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(config.SharedConfig); ok {
			return s
		}
	}
	return config.SharedConfig{}
}

// cacheFile returns the file of the credentials of the role of cfg's profile, which are kept between runs, or "".
func cacheFile(dir string, cfg aws.Config) string {
	s := shared(cfg)
	if dir == "" || s.RoleARN == "" || s.WebIdentityTokenFile != "" || !from(cfg.Credentials, aws.CredentialSourceSTSAssumeRole) {
		return ""
	}
	return filepath.Join(dir, roleKey(s)+".json")
}

// blank reports a value that cannot be a credential: one with spaces, line ends or other characters that no header may
// hold.
func blank(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}
