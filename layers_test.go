package haul_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the path of the module, which `make rename` changes.
const module = "haul.example/haul"

// layers are the layers: a package imports only from lower layers, never from its own, never up. See doc/DESIGN.md.
var layers = map[string]int{
	"checksum":                 0,
	"internal/amount":          0,
	"internal/awsfile":         0,
	"internal/budget":          0,
	"internal/configfile":      0,
	"internal/meter":           0,
	"internal/localfile":       0,
	"internal/planfile":        0,
	"internal/pool":            0,
	"internal/rawhttp":         0,
	"internal/seqfile":         0,
	"internal/seqfile/seqtest": 0,
	"internal/digestlist":      1,
	"internal/spool":           1,
	"store":                    1,
	"store/storetest":          2,
	"store/storetest/s3server": 3,
	"store/s3":                 2,
	"internal/layout":          2,
	"internal/journal":         2,
	"internal/oldformat":       2,
	"internal/formattest":      2,
	"internal/pace":            2,
	"internal/doctor":          2,
	"internal/evidence":        3,
	"internal/listing":         3,
	"internal/dispatch":        3,
	".":                        4,
	"mirror":                   5,
	"proof":                    6,
	"internal/quickcheck":      6,
	"internal/awsline":         6,
	"internal/s5line":          6,
	"internal/stage":           7,
	"internal/array":           7,
	"internal/ui":              8,
	"internal/command":         9,
	"internal/cli":             10,
	"internal/awscli":          10,
	"internal/s5cli":           10,
	"cmd/haul":                 11,
}

// Hard limits; we mostly stay well below them.
const (
	maxFileLines    = 500
	maxFuncLines    = 60
	maxPackageFiles = 40
	maxParams       = 5
)

// goFile is one parsed file of the module.
type goFile struct {
	dir   string // folder, slash-separated, "." for the root
	path  string
	test  bool
	lines int
	nth   int // of the files of its package that are not tests, counted from 1
	file  *ast.File
	fset  *token.FileSet
}

// finding takes a finding at a node.
type finding func(at ast.Node, format string, args ...any)

// layerRules hold for every file by itself. Each breaks on its own sample, which stands in the package store.
var layerRules = []struct {
	name   string
	reason string
	tests  bool     // holds for test files too
	except []string // packages that are free of it
	check  func(s goFile, r finding)
	sample string
}{
	{"layers", "a package imports only from lower layers, so that there are no cycles and a change below is felt only above",
		false, nil, checkLayers, `import "haul.example/haul/store/s3"`},
	{"sdk", "only store/s3 knows the AWS SDK, so that it can be replaced there",
		true, []string{"store/s3"}, forbidImports(`^github\.com/aws/`), `import "github.com/aws/smithy-go"`},
	{"flags", "only internal/cli reads flags: everything else takes values",
		true, []string{"internal/cli"}, forbidImports(`^flag$|^github\.com/spf13/`), `import "flag"`},
	{"environment", "only the faces, what connects for both, and journal.Dir, which exists to, read the environment: a library does what its arguments say",
		false, []string{"cmd/haul", "internal/cli", "internal/awscli", "internal/s5cli", "internal/command", "internal/journal", "internal/formattest"}, forbidUses("os", `^(Getenv|LookupEnv|Environ|ExpandEnv|Args)$`), `var a = os.Getenv("A")`},
	{"printing", "only internal/ui prints, so that one place decides what a terminal, a log and a pipe see",
		false, []string{"internal/ui"}, forbidUses("fmt", `^Print`), `func f() { fmt.Println() }`},
	{"standard streams", "main hands the process's streams on; everything else takes a value",
		false, []string{"cmd/haul"}, forbidUses("os", `^(Stdin|Stdout|Stderr)$`), `var w = os.Stdout`},
	{"logging", "an error is returned, an event goes to Observe; nothing is logged without the caller's knowledge",
		true, []string{"cmd/haul"}, forbidImports(`^log$|^log/slog$`), `import "log"`},
	{"names of packages", "a package is named for what it gives; utils, common, helpers and types give nothing",
		true, nil, checkPackageName, ``},
	{"words", "one word per idea, S3's word: a part is never a chunk",
		true, nil, checkWords, `func f(chunkSize int) {}`},
	{"phrases", "a user never meets a word of ours that has to be learned",
		false, []string{"store/storetest", "store/storetest/s3server"}, checkPhrases, `var a = "it lacks a part"`},
	{"init", "no init(): what happens, happens because somebody called it",
		true, nil, checkInit, `func init() {}`},
	{"exit", "only main exits, so that clean-up always runs",
		false, []string{"cmd/haul"}, forbidUses("os", `^Exit$`), `func f() { os.Exit(1) }`},
	{"panic", `panic only for a broken invariant, and say so: panic("pkg: internal error: ...")`,
		false, nil, checkPanic, `func f() { panic("oh") }`},
	{"sleep", "no time.Sleep: wait on a timer and a context, so that a stop is heard",
		false, nil, forbidUses("time", `^Sleep$`), `func f() { time.Sleep(1) }`},
	{"context in a struct", "a context or a config belongs to a call, not to a struct",
		true, nil, checkFields, `type s struct { ctx context.Context }`},
	{"channels", "no channel crosses a package border: give an iter.Seq2 or take a func",
		false, nil, checkChannels, `func F(<-chan int) {}`},
	{"errors by text", "errors are told apart by errors.Is and errors.As, never by their text",
		false, nil, checkErrorText, `func f(err error) bool { return strings.Contains(err.Error(), "a") }`},
	{"left undone", "what is not done belongs in an issue, not in the code",
		true, nil, checkComments, "// TO" + "DO: later"},
	{"length of files", fmt.Sprintf("a file over %d lines holds two things", maxFileLines),
		true, nil, checkFileLength, strings.Repeat("\n", maxFileLines)},
	{"files of a package", fmt.Sprintf("a package of over %d files holds two; the root package is the engine, whose verbs are methods of one Client", maxPackageFiles),
		false, []string{"."}, checkPackageFiles, ``},
	{"length of functions", fmt.Sprintf("a function over %d lines has more than one thing to say", maxFuncLines),
		false, nil, checkFuncLength, "func f() {" + strings.Repeat("\n", maxFuncLines) + "}"},
	{"parameters", fmt.Sprintf("over %d parameters nobody remembers the order: make a struct", maxParams),
		true, nil, checkParams, `func f(a, b, c, d, e, f int) {}`},
}

func TestLayers(t *testing.T) {
	files := parseModule(t)
	for _, rule := range layerRules {
		t.Run(strings.ReplaceAll(rule.name, " ", "-"), func(t *testing.T) {
			for _, s := range files {
				if s.test && !rule.tests || slices.Contains(rule.except, s.dir) {
					continue
				}
				rule.check(s, func(at ast.Node, format string, args ...any) {
					where := s.path
					if at != nil {
						where = fmt.Sprintf("%s:%d", s.path, s.fset.Position(at.Pos()).Line)
					}
					t.Errorf("%s: %s\n\trule: %s", where, fmt.Sprintf(format, args...), rule.reason)
				})
			}
		})
	}
}

// TestLayersBreak verifies that each rule can fail.
func TestLayersBreak(t *testing.T) {
	for _, rule := range layerRules {
		text := "package utils\n" + rule.sample + "\n"
		found := 0
		s := parseFile(t, token.NewFileSet(), "store/sample.go", text)
		s.nth = maxPackageFiles + 1
		rule.check(s, func(ast.Node, string, ...any) { found++ })
		if found != 1 {
			t.Errorf("rule %q found %d faults in its sample, want 1:\n%s", rule.name, found, text)
		}
		if slices.Contains(rule.except, s.dir) {
			t.Errorf("rule %q does not hold for the package of its sample", rule.name)
		}
	}
}

func TestPackageComments(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range parseModule(t) {
		if s.test {
			continue
		}
		comments[s.dir] = slices.Concat(comments[s.dir], nil)
		if s.file.Doc != nil {
			comments[s.dir] = append(comments[s.dir], s.path)
		}
	}
	for dir, files := range comments {
		if len(files) != 1 {
			t.Errorf("%s: %d package comments %v\n\trule: exactly one says what the package gives, how, and what it does not promise",
				dir, len(files), files)
		}
	}
}

// parseModule parses every Go file of this module; folders with a go.mod of their own are other modules.
func parseModule(t *testing.T) []goFile {
	t.Helper()
	var all []goFile
	files := map[string]int{} // by folder
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			inner, _ := filepath.Glob(filepath.Join(path, "go.mod"))
			if path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin" || len(inner) > 0) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		s := parseFile(t, fset, path, nil)
		if !s.test {
			files[s.dir]++
			s.nth = files[s.dir]
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// parseFile parses one file; its text is read from path if src is nil.
func parseFile(t *testing.T, fset *token.FileSet, path string, src any) goFile {
	t.Helper()
	f, err := parser.ParseFile(fset, path, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return goFile{
		dir:   filepath.ToSlash(filepath.Dir(path)),
		path:  path,
		test:  strings.HasSuffix(path, "_test.go"),
		lines: fset.File(f.Pos()).LineCount() - 1,
		file:  f,
		fset:  fset,
	}
}
