package servers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"haul.example/haul/lab/servers"
)

const (
	module = "haul.example/haul"
	root   = "../.." // of the project
)

var goBlock = regexp.MustCompile("(?s)```go\n(package main\n.*?)```")

// TestReadmeProgram: the library's example in README compiles in a module of its own, as a user's does, and does its work.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := goBlock.FindSubmatch(readme)
	if block == nil {
		t.Fatal("README.md has no program in Go")
	}
	haul, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "main.go"), block[1])
	sums, err := os.ReadFile(filepath.Join(haul, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "go.sum"), sums)
	inDir(t, dir, "go", "mod", "init", "example.org/user")
	inDir(t, dir, "go", "mod", "edit", "-require", module+"@v0.0.0", "-replace", module+"="+haul)
	inDir(t, dir, "go", "mod", "tidy")
	inDir(t, dir, "go", "build", "-o", "program", ".")

	s := servers.Start(t, servers.Versitygw, false)
	s.Setenv(t)
	t.Setenv("HAUL_STATE_DIR", t.TempDir())
	t.Setenv("BUCKET", s.Bucket(t))
	writeFile(t, filepath.Join(dir, "reads.bam"), []byte("reads"))
	out := inDir(t, dir, "./program")
	if !strings.Contains(out, "CRC64NVME") {
		t.Errorf("it printed %s", out)
	}
	back, err := os.ReadFile(filepath.Join(dir, "back.bam"))
	if err != nil || string(back) != "reads" {
		t.Errorf("%q came back, %v", back, err)
	}
}

// TestRename: the module can have any path.
func TestRename(t *testing.T) {
	for _, program := range []string{"git", "make", "perl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	const path = "git.example.org/some.one/haul-2"
	dir := filepath.Join(t.TempDir(), "haul")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSpace(inDir(t, root, "git", "ls-files")), "\n") {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) { // deleted, and not yet committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			t.Fatal(err)
		}
		writeFile(t, to, text)
	}
	inDir(t, dir, "git", "init", "-q")
	inDir(t, dir, "git", "add", "-A")
	inDir(t, dir, "make", "rename", "MODULE="+path)
	if out := inDir(t, dir, "go", "list", "./..."); !strings.HasPrefix(out, path+"\n") || strings.Contains(out, module) {
		t.Errorf("the packages are %s", out)
	}
	inDir(t, dir, "go", "build", "./...")
	inDir(t, dir, "go", "test", "-run", "TestLayers", ".")
	inDir(t, filepath.Join(dir, "lab"), "go", "vet", "./demo")
}

func writeFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// inDir runs a program in a folder, and gives what it prints.
func inDir(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}
