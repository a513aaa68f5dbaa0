package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestMain(m *testing.M) {
	if os.Getenv("HAUL_IS_PACKAGING") == "yes" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestDist builds what a release has for one platform, compares it with a second build, and has the tools of the formats read it.
func TestDist(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "first"), filepath.Join(t.TempDir(), "second")
	build := func(root, out, umask string, env ...string) {
		t.Helper()
		cmd := exec.Command("sh", "-c", `umask `+umask+`; exec "$0" "$@"`, os.Args[0], "-root", root, "-out", out, "-platforms", "linux/amd64", "-ignore-changes")
		cmd.Env = append(os.Environ(), append(env, "HAUL_IS_PACKAGING=yes")...)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	}
	build("..", first, "022")
	t.Run("the same again", func(t *testing.T) {
		elsewhere := filepath.Join(t.TempDir(), "another", "place")
		if _, err := git(".", "clone", "--quiet", "..", elsewhere); err != nil {
			t.Fatal(err)
		}
		build(elsewhere, second, "077", "TZ=Asia/Tokyo", "LC_ALL=C", "GOPROXY=off", "GOAMD64=v3", "TMPDIR="+t.TempDir())
		a, b := read(t, filepath.Join(first, sumsName)), read(t, filepath.Join(second, sumsName))
		if !bytes.Equal(a, b) {
			t.Errorf("two builds differ:\n%s\n%s", a, b)
		}
	})
	t.Run("sums", func(t *testing.T) {
		if out, err := inDir(first, "sha256sum", "--check", "--strict", sumsName).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	unpacked := unpack(t, one(t, first, "haul_*_linux_amd64.tar.gz"), true)
	top := one(t, unpacked, "*")
	haul := filepath.Join(top, "haul")
	t.Run("archive", func(t *testing.T) { testArchive(t, top) })
	t.Run("completions", func(t *testing.T) { testCompletions(t, top) })
	t.Run("sbom", func(t *testing.T) { testSBOM(t, one(t, first, "*.cdx.json"), haul) })
	t.Run("deb", func(t *testing.T) { testDeb(t, one(t, first, "*.deb")) })
	t.Run("rpm", func(t *testing.T) { testRPM(t, one(t, first, "*.rpm")) })
	t.Run("image", func(t *testing.T) { testImage(t, one(t, first, "*_oci.tar")) })
	t.Run("source", func(t *testing.T) { testSource(t, one(t, first, "*_source.tar.gz")) })
}

// testArchive: haul runs and prints the commit, and README.md refers to no file that is not there.
func testArchive(t *testing.T, top string) {
	commit, err := git("..", "rev-parse", "--short=12", "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(top, "haul"), "--version").Output()
	if err != nil || !regexp.MustCompile(`^haul v\S+ `+strings.TrimSpace(commit)+` \d{4}-\d\d-\d\d linux/amd64 go`).Match(out) {
		t.Errorf("haul --version: %v, %s", err, out)
	}
	readme := read(t, filepath.Join(top, "README.md"))
	for _, link := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllSubmatch(readme, -1) {
		if _, err := os.Stat(filepath.Join(top, string(link[1]))); err != nil {
			t.Errorf("README.md: %v", err)
		}
	}
	for _, name := range []string{"LICENSE", licensesName, "man/man1/haul-cp.1", "man/man7/haul-json.7", "completions/_haul"} {
		if len(read(t, filepath.Join(top, name))) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

// testCompletions has each shell load its script; those that can without a terminal also complete a command.
func testCompletions(t *testing.T, top string) {
	run := func(t *testing.T, shell string, args ...string) string {
		t.Helper()
		need(t, shell)
		cmd := inDir(top, shell, args...)
		cmd.Env = append(os.Environ(), "PATH="+top+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s %q: %v\n%s", shell, args, err, out)
		}
		return string(out)
	}
	t.Run("bash", func(t *testing.T) {
		const library = "/usr/share/bash-completion/bash_completion"
		if _, err := os.Stat(library); err != nil {
			t.Skip("bash-completion is not installed")
		}
		for line, want := range map[string]string{"haul c": "cp", "haul array ": "plan", "haul cp --recur": "--recursive"} {
			words := strings.Split(line, " ")
			script := fmt.Sprintf(`. %s; . completions/haul.bash; complete -p haul >/dev/null; COMP_LINE=%q; COMP_POINT=%d; COMP_WORDS=(%s); COMP_CWORD=%d; COMP_TYPE=9
				__start_haul; printf '%%s\n' "${COMPREPLY[@]}"`, library, line, len(line), "'"+strings.Join(words, "' '")+"'", len(words)-1)
			if got := run(t, "bash", "--norc", "-c", script); !regexp.MustCompile(`(?m)^` + want + `\b`).MatchString(got) {
				t.Errorf("bash completes %q to %q", line, got)
			}
		}
	})
	t.Run("zsh", func(t *testing.T) {
		run(t, "zsh", "-f", "-c", "autoload -Uz compinit; compinit -u -D; source completions/_haul; whence -w _haul")
	})
	t.Run("fish", func(t *testing.T) {
		got := run(t, "fish", "--no-config", "-c", `source completions/haul.fish; complete -C "haul c"`)
		if !strings.Contains(got, "cp\tCopy files or objects") {
			t.Errorf("fish completes haul c to %q", got)
		}
	})
}

// testSBOM: it names every module in the program, each with a license.
func testSBOM(t *testing.T, path, haul string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(f, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(haul)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, c := range *bom.Components {
		got[c.Name+" "+c.Version] = len(*c.Licenses) == 1
	}
	for _, m := range info.Deps {
		if !got[m.Path+" "+m.Version] {
			t.Errorf("%s %s is missing, or its license", m.Path, m.Version)
		}
	}
	if len(got) != len(info.Deps)+1 || bom.Metadata.Component.Version != info.Main.Version {
		t.Errorf("%d components of %s; want %d and the standard library of %s", len(got), bom.Metadata.Component.Version, len(info.Deps), info.Main.Version)
	}
}

// testDeb installs the package into an empty root folder, and runs what was installed.
func testDeb(t *testing.T, deb string) {
	need(t, "dpkg")
	root := t.TempDir()
	for _, dir := range []string{"info", "updates", "triggers"} {
		if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	install := []string{"--root=" + root, "--force-not-root", "--install", deb}
	if os.Getuid() != 0 {
		install = []string{"--extract", deb, root}
	}
	if out, err := exec.Command("dpkg", install...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(filepath.Join(root, "usr/bin/haul"), "--version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	page := read(t, filepath.Join(root, "usr/share/man/man1/haul-cp.1.gz"))
	if z, err := gzip.NewReader(bytes.NewReader(page)); err != nil {
		t.Error(err)
	} else if text, err := io.ReadAll(z); err != nil || !bytes.Contains(text, []byte(".SH SEE ALSO")) {
		t.Errorf("haul-cp.1.gz: %v", err)
	}
	for _, name := range []string{"bash-completion/completions/haul", "zsh/vendor-completions/_haul", "fish/vendor_completions.d/haul.fish", "doc/haul/copyright"} {
		read(t, filepath.Join(root, "usr/share", name))
	}
	t.Run("lintian", func(t *testing.T) {
		need(t, "lintian")
		out, err := exec.Command("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "bogus-mail-host,initial-upload-closes-no-bugs", deb).CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func testRPM(t *testing.T, path string) {
	need(t, "rpm")
	if out, err := exec.Command("rpm", "--checksig", path).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("digests OK")) {
		t.Errorf("%v\n%s", err, out)
	}
	out, err := exec.Command("rpm", "--query", "--package", "--list", path).CombinedOutput()
	for _, want := range []string{"/usr/bin/haul", "/usr/share/man/man1/haul-cp.1.gz", "/usr/share/zsh/site-functions/_haul", "/usr/share/licenses/haul/LICENSE"} {
		if err != nil || !strings.Contains(string(out), want+"\n") {
			t.Errorf("rpm lists no %s: %v\n%s", want, err, out)
		}
	}
}

// testImage: the layout is valid, and haul in it is the program of its platform.
func testImage(t *testing.T, path string) {
	outer, err := layout.ImageIndexFromPath(unpack(t, path, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(outer); err != nil {
		t.Error(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%v, %+v", err, manifest)
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	images, err := index.IndexManifest()
	if err != nil || len(images.Manifests) != 1 || images.Manifests[0].Platform.String() != "linux/amd64" {
		t.Fatalf("%v, %+v", err, images)
	}
	image, err := index.Image(images.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	// haul array submit writes jobs whose command starts with haul; an entrypoint would have that twice.
	if c, err := image.ConfigFile(); err != nil || len(c.Config.Entrypoint) > 0 || c.Config.Cmd[0] != "haul" || !slices.Contains(c.Config.Env, "PATH=/usr/bin") {
		t.Errorf("%v, %+v", err, c.Config)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%v, %d layers", err, len(layers))
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	root := t.TempDir()
	untar(t, r, root)
	if out, err := exec.Command(filepath.Join(root, "usr/bin/haul"), "--version").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := bytes.Count(read(t, filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")), []byte("BEGIN CERTIFICATE")); n < 50 {
		t.Errorf("%d CA certificates", n)
	}
}

// testSource: it has what the recipes build and install, and nothing that git does not know but for the man pages.
func testSource(t *testing.T, path string) {
	top := one(t, unpack(t, path, true), "haul-*")
	for _, name := range []string{"go.mod", "cmd/haul/main.go", "man/man1/haul.1", "man/man7/haul-json.7", "doc/guide.md", "LICENSE", "internal/command/licenses.txt"} {
		read(t, filepath.Join(top, name))
	}
	if _, err := os.Stat(filepath.Join(top, ".git")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf(".git: %v", err)
	}
}

func inDir(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return cmd
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return data
}

// one returns the only file that matches.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) != 1 {
		t.Fatalf("%s: %v, %v; want one file", pattern, paths, err)
	}
	return paths[0]
}

// unpack returns a folder with the content of a tar file.
func unpack(t *testing.T, path string, compressed bool) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(read(t, path))
	if compressed {
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	}
	dir := t.TempDir()
	untar(t, r, dir)
	return dir
}

func untar(t *testing.T, from io.Reader, dir string) {
	t.Helper()
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.Typeflag != tar.TypeReg {
			err = os.MkdirAll(path, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			var f *os.File
			if f, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, h.FileInfo().Mode()); err == nil {
				_, err = io.Copy(f, r)
				err = errors.Join(err, f.Close())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
