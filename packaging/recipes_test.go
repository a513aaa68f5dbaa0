package main

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"haul.example/haul/internal/cli"
)

// rendered returns the recipes of a release that does not exist.
func rendered(t *testing.T) []member {
	t.Helper()
	all, err := filled("1.2.3", "https://haul.example/releases/v1.2.3/", [32]byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if left := regexp.MustCompile(`@[A-Z0-9]+@`).Find(m.data); left != nil {
			t.Errorf("%s has %s left", m.path, left)
		}
	}
	return all
}

// TestRecipeFiles: the files that recipes take from the source archive are in it.
func TestRecipeFiles(t *testing.T) {
	source, err := tracked("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"LICENSE", "internal/command/licenses.txt", "doc/guide.md", "cmd/haul/main.go", "internal/command/version.go"} {
		find(source, want)
	}
	release := regexp.MustCompile(`-X (\S+)\.release=v`)
	for _, m := range rendered(t) {
		for _, variable := range release.FindAllSubmatch(m.data, -1) {
			if string(variable[1]) != "haul.example/haul/internal/command" {
				t.Errorf("%s sets %s.release", m.path, variable[1])
			}
		}
	}
	if !regexp.MustCompile(`(?m)^var release string$`).Match(find(source, "internal/command/version.go").data) {
		t.Error("package command has no variable release, which the recipes set")
	}
}

// TestRecipeSyntax has Ruby, bash and shellcheck read the formula and the scripts.
func TestRecipeSyntax(t *testing.T) {
	dir := t.TempDir()
	for _, m := range rendered(t) {
		if err := writeFile(filepath.Join(dir, m.path), m.data); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"ruby", "-wc", "recipes/homebrew/haul.rb"},
		{"bash", "-n", "recipes/bioconda/build.sh"},
		{"shellcheck", "recipes/bioconda/build.sh"},
	} {
		t.Run(args[0], func(t *testing.T) {
			need(t, args[0])
			if out, err := inDir(dir, args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestBiocondaBuild runs build.sh, which must leave a program of the version, and its man pages.
func TestBiocondaBuild(t *testing.T) {
	prefix, script := t.TempDir(), filepath.Join(t.TempDir(), "build.sh")
	all := rendered(t)
	if err := writeFile(script, find(all, "recipes/bioconda/build.sh").data); err != nil {
		t.Fatal(err)
	}
	source := t.TempDir()
	if err := clone("..", filepath.Join(source, "haul")); err != nil {
		t.Fatal(err)
	}
	for _, m := range manPages(testRelease) {
		if err := writeFile(filepath.Join(source, "haul", m.path), m.data); err != nil {
			t.Fatal(err)
		}
	}
	modules, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd := inDir(filepath.Join(source, "haul"), "bash", script)
	cmd.Env = append(os.Environ(), "PREFIX="+prefix, "PKG_VERSION=1.2.3", "GOMODCACHE="+strings.TrimSpace(string(modules)), "GOPROXY=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(prefix, "bin", "haul"), "--version").Output()
	if err != nil || !strings.HasPrefix(string(out), "haul v1.2.3 ") {
		t.Errorf("haul --version: %v, %s", err, out)
	}
	for _, name := range []string{"man/man1/haul-cp.1", "man/man7/haul-json.7", "bash-completion/completions/haul"} {
		read(t, filepath.Join(prefix, "share", name))
	}
}

func parse(t *testing.T, name string, text []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestBiocondaMeta(t *testing.T) {
	m := find(rendered(t), "recipes/bioconda/meta.yaml")
	text := regexp.MustCompile(`(?m)^\{%.*\n`).ReplaceAll(m.data, nil)
	text = regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAll(text, []byte("jinja"))
	var meta struct {
		Package      struct{ Name, Version string }
		Source       struct{ URL, SHA256 string }
		Build        struct{ Number *int }
		Requirements struct{ Build []string }
		Test         struct{ Commands []string }
		About        struct{ Home, License, Summary string }
	}
	parse(t, m.path, text, &meta)
	if meta.Package.Name == "" || meta.Package.Version == "" || meta.Build.Number == nil || len(meta.Test.Commands) == 0 || len(meta.Requirements.Build) == 0 ||
		len(meta.Source.SHA256) != 64 || !strings.HasPrefix(meta.Source.URL, "https://haul.example/releases/v1.2.3/haul_") || meta.About.License != "Apache-2.0" || meta.About.Summary == "" {
		t.Errorf("%+v", meta)
	}
}

// element is what nf-core's schema demands of a channel's element.
type element struct{ Type, Description string }

// nfcoreTypes are those that nf-core's schema allows; eval is that of versions.
var nfcoreTypes = []string{"map", "file", "directory", "string", "integer", "float", "boolean", "list", "eval"}

// TestNFCore: each module has what nf-core's schemas demand, and runs a command and flags that haul has.
func TestNFCore(t *testing.T) {
	all := rendered(t)
	flags := map[string]string{} // of all commands, by path
	for _, p := range cli.Pages() {
		for _, g := range p.Groups {
			for _, f := range g.Flags {
				flags[p.Path] += " " + f.Form
			}
		}
	}
	const modules = "recipes/nf-core/modules/haul/"
	for _, m := range all {
		if path.Base(m.path) != "main.nf" {
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(m.path, modules), "/main.nf")
		t.Run(name, func(t *testing.T) {
			script := string(m.data)
			_, command, _ := strings.Cut(script, "    haul "+name+" ")
			command, _, _ = strings.Cut(command, `"""`)
			for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(command, -1) {
				if !strings.Contains(flags["haul "+name]+flags["haul"]+" ", flag+" ") {
					t.Errorf("haul %s has no %s", name, flag)
				}
			}
			if command == "" || !strings.HasPrefix(script, "process HAUL_"+strings.ToUpper(name)+" {") || strings.Count(script, "{") != strings.Count(script, "}") {
				t.Errorf("main.nf:\n%s", script)
			}
			folder := modules + name + "/"
			checkNFCoreMeta(t, script, find(all, folder+"meta.yml"))
			var env struct{ Channels, Dependencies []string }
			parse(t, "environment.yml", find(all, folder+"environment.yml").data, &env)
			if !slices.Equal(env.Channels, []string{"conda-forge", "bioconda"}) || !slices.Equal(env.Dependencies, []string{"bioconda::haul=1.2.3"}) {
				t.Errorf("environment.yml: %+v", env)
			}
			find(all, folder+"tests/main.nf.test")
		})
	}
}

// checkNFCoreMeta: meta.yml describes the channels that main.nf has.
func checkNFCoreMeta(t *testing.T, script string, m member) {
	t.Helper()
	var meta struct {
		Name, Description string
		Keywords          []string
		Authors           *[]string
		Tools             []map[string]struct{ Description, Homepage string }
		Input             [][]map[string]element
		Output            map[string][][]map[string]element
		Topics            map[string][][]map[string]element
		Maintainers       *[]string
	}
	parse(t, m.path, m.data, &meta)
	if meta.Name == "" || meta.Description == "" || len(meta.Keywords) < 3 || meta.Authors == nil || len(meta.Tools) != 1 || !strings.HasPrefix(meta.Tools[0]["haul"].Homepage, "https://") {
		t.Errorf("%+v", meta)
	}
	check := func(channels [][]map[string]element) {
		for _, channel := range channels {
			for _, e := range channel {
				for name, about := range e {
					if !slices.Contains(nfcoreTypes, about.Type) || about.Description == "" {
						t.Errorf("%s: %+v", name, about)
					}
				}
			}
		}
	}
	check(meta.Input)
	check(meta.Topics["versions"])
	for name, channels := range meta.Output {
		check(channels)
		if !strings.Contains(script, "emit: "+name+"\n") {
			t.Errorf("main.nf emits no %s", name)
		}
	}
	if n := strings.Count(script, "emit: "); n != len(meta.Output) {
		t.Errorf("main.nf emits %d channels, and meta.yml describes %d", n, len(meta.Output))
	}
}
