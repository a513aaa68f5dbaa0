// Package built gives the programs that the lab runs: haul, the gateway, MinIO, SeaweedFS, rclone, gofakes3 and s5cmd. Each is built when
// it is first asked for.
//
// haul and the gateway are built anew for every test process, which costs next to nothing while the build cache is warm. MinIO takes
// minutes the first time; it is kept in the user's cache folder under the name of its version.
package built

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// MinIOVersion is the version that the tests run on; the last that was published with its source.
const MinIOVersion = "v0.0.0-20260212201848-7aac2a2c5b7c"

var haul = sync.OnceValues(func() (string, error) {
	return build("..", "haul", []string{"-trimpath", "./cmd/haul"}, "CGO_ENABLED=0")
})

var gateway = sync.OnceValues(func() (string, error) {
	return build(".", "gateway", []string{"./cmd/gateway"})
})

var minio = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "haul-lab", "minio-"+MinIOVersion)
	program := filepath.Join(dir, "minio")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	// The go command puts a finished program in place by renaming; two processes at once only do the work twice.
	err = run(".", "go", []string{"install", "github.com/minio/minio@" + MinIOVersion}, "GOBIN="+dir, "GOFLAGS=")
	return program, err
})

// seaweedfs has a module of its own, since its go.mod replaces a module.
var seaweedfs = sync.OnceValues(func() (string, error) {
	return build("seaweedfs", "weed", []string{"github.com/seaweedfs/seaweedfs/weed"})
})

var rclone = sync.OnceValues(func() (string, error) {
	return build("seaweedfs", "rclone", []string{"./rclone"}) // the version that SeaweedFS needs
})

var s5cmd = sync.OnceValues(func() (string, error) {
	return build("peers", "s5cmd", []string{"github.com/peak/s5cmd/v2"})
})

var gofakes3 = sync.OnceValues(func() (string, error) {
	return build("peers", "gofakes3", []string{"github.com/igungor/gofakes3/cmd/gofakes3"})
})

// Haul gives the path of the haul program, built from this checkout as `make build` does.
func Haul(tb testing.TB) string { return must(tb, haul) }

// Gateway gives the path of lab/cmd/gateway.
func Gateway(tb testing.TB) string { return must(tb, gateway) }

// MinIO gives the path of the MinIO server.
func MinIO(tb testing.TB) string { return must(tb, minio) }

// SeaweedFS gives the path of weed.
func SeaweedFS(tb testing.TB) string { return must(tb, seaweedfs) }

// Rclone gives the path of an rclone that serves S3 from a folder.
func Rclone(tb testing.TB) string { return must(tb, rclone) }

// S5cmd gives the path of the real s5cmd.
func S5cmd(tb testing.TB) string { return must(tb, s5cmd) }

// Gofakes3 gives the path of the fork of gofakes3 that s5cmd's own tests use.
func Gofakes3(tb testing.TB) string { return must(tb, gofakes3) }

func must(tb testing.TB, get func() (string, error)) string {
	tb.Helper()
	path, err := get()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// build builds a program of the module in dir (relative to the lab) into lab/.bin.
func build(dir, name string, args []string, env ...string) (string, error) {
	lab, err := labDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(lab, ".bin", name)
	return program, run(filepath.Join(lab, dir), "go", append([]string{"build", "-o", program}, args...), env...)
}

func run(dir, program string, args []string, env ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", program, strings.Join(args, " "), err, out)
	}
	return nil
}

// labDir looks upwards from the working directory, which in a test is the folder of its package, for the lab's go.mod.
func labDir() (string, error) {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		mod, readErr := os.ReadFile(filepath.Join(dir, "go.mod"))
		if readErr == nil && strings.HasPrefix(string(mod), "module haul.example/haul/lab\n") {
			return dir, nil
		}
		dir = filepath.Dir(dir)
	}
	return "", errors.Join(err, errors.New("the lab's programs are built from inside the lab module"))
}
