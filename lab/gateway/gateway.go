// Package gateway runs versitygw, an S3 server that keeps its objects as plain files, inside this process.
//
// It is versitygw's own server code on its POSIX backend, with one root account, perhaps a user, and its log silent. Metadata go into extended
// attributes where the file system has them, else into files beside the data.
//
// versitygw changes the working directory of its process and allows one server a process; so programs that need more than one run
// lab/cmd/gateway, and whoever runs it here works with absolute paths.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

// Version tells versitygw's version, or "devel" in a program that knows nothing of its modules (a test).
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/versity/versitygw" {
				return dep.Version
			}
		}
	}
	return "devel"
}

// Config says how to serve.
type Config struct {
	// Dir holds all data; it is made where it is missing.
	Dir string
	// Addr is host:port to listen on.
	Addr string
	// AccessKey and SecretKey are those of the root account.
	AccessKey, SecretKey string
	// UserAccessKey and UserSecretKey are those of a second account, which may do what the policies of buckets allow; "" is none.
	UserAccessKey, UserSecretKey string
	// CertFile and KeyFile make the server speak HTTPS.
	CertFile, KeyFile string
	// KeepAlive lets connections be used again. versitygw's own default is not to.
	KeepAlive bool
}

// Run serves until ctx ends, which is no error.
func Run(ctx context.Context, c Config) error {
	backend, err := openBackend(c.Dir)
	if err != nil {
		return fmt.Errorf("open backend: %w", err)
	}
	root := auth.Account{Access: c.AccessKey, Secret: c.SecretKey, Role: auth.RoleAdmin}
	iam, err := openIAM(c, root)
	if err != nil {
		return fmt.Errorf("open accounts: %w", err)
	}
	err = embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		IAMService:        iam,
		RootUserAccess:    c.AccessKey,
		RootUserSecret:    c.SecretKey,
		Region:            "us-east-1",
		Ports:             []string{c.Addr},
		CertFile:          c.CertFile,
		KeyFile:           c.KeyFile,
		KeepAlive:         c.KeepAlive,
		Quiet:             true,
		MaxConnections:    4096,
		MaxRequests:       4096,
		MultipartMaxParts: 10000, // S3's own limit
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

func openIAM(c Config, root auth.Account) (auth.IAMService, error) {
	if c.UserAccessKey == "" {
		return auth.NewIAMServiceSingle(root), nil
	}
	dir := filepath.Join(c.Dir, "iam")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	iam, err := auth.NewInternal(root, dir)
	if err != nil {
		return nil, err
	}
	err = iam.CreateAccount(auth.Account{Access: c.UserAccessKey, Secret: c.UserSecretKey, Role: auth.RoleUser})
	if errors.Is(err, auth.ErrUserExists) { // from an earlier run in this folder
		err = nil
	}
	return iam, err
}

func openBackend(dir string) (*posix.Posix, error) {
	data, side := filepath.Join(dir, "data"), filepath.Join(dir, "meta")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	opts := posix.PosixOpts{Concurrency: 5000, CopyObjectThreshold: 5 << 30} // versitygw's defaults
	if (meta.XattrMeta{}).Test(data) == nil {
		return posix.New(data, meta.XattrMeta{}, opts)
	}
	if err := os.MkdirAll(side, 0o700); err != nil {
		return nil, err
	}
	store, err := meta.NewSideCar(side)
	if err != nil {
		return nil, err
	}
	opts.SideCarDir = side
	return posix.New(data, store, opts)
}

// FreeAddr gives an address on the loopback interface that nobody listened on a moment ago.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Await returns when somebody accepts connections at addr, or an error when ctx ends first.
func Await(ctx context.Context, addr string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
