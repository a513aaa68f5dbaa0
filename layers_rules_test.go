package haul_test

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func checkLayers(s goFile, r finding) {
	mine, ok := layers[s.dir]
	if !ok {
		r(nil, "%s has no layer: add it in layers_test.go and in doc/DESIGN.md", s.dir)
		return
	}
	for _, spec := range s.file.Imports {
		path := importPath(spec)
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		dir := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		if dir == "" {
			dir = "."
		}
		theirs, ok := layers[dir]
		if !ok {
			r(spec, "%s has no layer", path)
		} else if theirs >= mine {
			r(spec, "%s (layer %d) imports %s (layer %d)", s.dir, mine, path, theirs)
		}
	}
}

// forbidImports forbids imports that match.
func forbidImports(pattern string) func(goFile, finding) {
	re := regexp.MustCompile(pattern)
	return func(s goFile, r finding) {
		for _, spec := range s.file.Imports {
			if re.MatchString(importPath(spec)) {
				r(spec, "imports %s", importPath(spec))
			}
		}
	}
}

// forbidUses forbids names of a package of the standard library that match.
func forbidUses(pkg, pattern string) func(goFile, finding) {
	re := regexp.MustCompile(pattern)
	return func(s goFile, r finding) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && isName(sel.X, pkg) && re.MatchString(sel.Sel.Name) {
				r(n, "uses %s.%s", pkg, sel.Sel.Name)
			}
			return true
		})
	}
}

func checkPackageName(s goFile, r finding) {
	name := strings.TrimSuffix(s.file.Name.Name, "_test")
	if slices.Contains([]string{"utils", "util", "common", "helpers", "helper", "types", "misc", "base"}, name) {
		r(s.file.Name, "package %s", name)
	}
}

// checkWords looks at the names that are declared here, not at those that other modules chose; chunked is a coding of HTTP. It knows
// words of a private dialect as well: report in place of tell, resume in place of goOn, verify in place of prove.
func checkWords(s goFile, r finding) {
	re := regexp.MustCompile(`(?i)chunk($|[^e]|e[^d])|^(told|tells?|goon|throwaway|vouch.*|kin|depot|prove|judge)$|^(?-i:(prove|tell|judge|vouch)[A-Z])`)
	ast.Inspect(s.file, func(n ast.Node) bool {
		var names []*ast.Ident
		switch n := n.(type) {
		case *ast.FuncDecl:
			names = []*ast.Ident{n.Name}
		case *ast.TypeSpec:
			names = []*ast.Ident{n.Name}
		case *ast.ValueSpec:
			names = n.Names
		case *ast.Field:
			names = n.Names
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					names = append(names, id)
				}
			}
		}
		for _, id := range names {
			if re.MatchString(id.Name) {
				r(id, "the name %s", id.Name)
			}
		}
		return true
	})
}

// phrases are words that a user of aws, rclone or samtools does not know, each with a better one.
var phrases = []struct {
	word   *regexp.Regexp
	better string
}{
	{regexp.MustCompile(`(?i)\b(tells?|told)\b`), "report, return, list, print"},
	{regexp.MustCompile(`(?i)\b(go|goes|went|gone|going) on with\b`), "resume, continue"},
	{regexp.MustCompile(`(?i)\b(throws?|threw|thrown) (it|them)? ?away\b`), "discard, abort, delete"},
	{regexp.MustCompile(`(?i)\bvouch`), "recorded by the store"},
	{regexp.MustCompile(`(?i)\b(not|all|is|are|was|be) proved\b|\bproved:`), "verified, not verified"},
	{regexp.MustCompile(`(?i)\b(type|typed) the same (line|command)\b|\bthe same line\b`), "run the same command again"},
	{regexp.MustCompile(`(?i)\blacks?\b`), "is missing, does not have"},
	{regexp.MustCompile(`(?i)\b(on the way (up|down)|the other way round)\b`), "on upload, on download"},
	{regexp.MustCompile(`(?i)\b(anew|whoever|of which|in the midst|doomed|kin)\b`), "again; anyone who; whose"},
	{regexp.MustCompile(`(?i)(^|[^-\w])famil(y|ies)\b`), "companion files"},
	{regexp.MustCompile(`(?i)\bis none of\b`), "must be A or B (got \"x\")"},
}

// codeSpan is code within a document, where names stand as they are.
var codeSpan = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")

// TestDocuments holds documents to the same words as messages. CHANGELOG.md quotes what was said before.
func TestDocuments(t *testing.T) {
	files := []string{"README.md", "CONTRIBUTING.md"}
	for _, pattern := range []string{"doc/*.md", "doc/adr/*.md", "doc/recipes/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bare := codeSpan.ReplaceAllStringFunc(string(text), func(code string) string { return strings.Repeat("\n", strings.Count(code, "\n")) })
		for i, line := range strings.Split(bare, "\n") {
			for _, p := range phrases {
				if word := p.word.FindString(line); word != "" {
					t.Errorf("%s:%d: %q: write %s", file, i+1, word, p.better)
				}
			}
		}
	}
}

// checkPhrases looks at strings of more than one word, which are for people.
func checkPhrases(s goFile, r finding) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if _, tag := n.(*ast.ImportSpec); tag {
			return false
		}
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil || !strings.Contains(text, " ") {
			return true
		}
		for _, p := range phrases {
			if found := p.word.FindString(text); found != "" {
				r(lit, "%q in a text for people; better: %s", found, p.better)
			}
		}
		return true
	})
}

func checkInit(s goFile, r finding) {
	for f := range funcsOf(s) {
		if f.Name.Name == "init" && f.Recv == nil {
			r(f, "func init")
		}
	}
}

func checkPanic(s goFile, r finding) {
	want := s.file.Name.Name + ": internal error: "
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isName(call.Fun, "panic") {
			return true
		}
		said := ""
		ast.Inspect(call, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && said == "" {
				said, _ = strconv.Unquote(lit.Value)
			}
			return true
		})
		if !strings.HasPrefix(said, want) {
			r(call, "a panic that begins %q, not %q", said, want)
		}
		return true
	})
}

func checkFields(s goFile, r finding) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		st, ok := n.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range st.Fields.List {
			sel, ok := f.Type.(*ast.SelectorExpr)
			if ok && (isName(sel.X, "context") && sel.Sel.Name == "Context" || isName(sel.X, "aws") && sel.Sel.Name == "Config") {
				r(f, "a field of type %s.%s", sel.X.(*ast.Ident).Name, sel.Sel.Name)
			}
		}
		return true
	})
}

func checkChannels(s goFile, r finding) {
	for f := range funcsOf(s) {
		if !f.Name.IsExported() {
			continue
		}
		ast.Inspect(f.Type, func(n ast.Node) bool {
			if ch, ok := n.(*ast.ChanType); ok {
				r(ch, "%s has a channel in its signature", f.Name.Name)
			}
			return true
		})
	}
}

func checkErrorText(s goFile, r finding) {
	isText := func(e ast.Expr) bool {
		call, ok := e.(*ast.CallExpr)
		if !ok || len(call.Args) != 0 {
			return false
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Error"
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			sel, ok := n.Fun.(*ast.SelectorExpr)
			if ok && (isName(sel.X, "strings") || isName(sel.X, "regexp")) && slices.ContainsFunc(n.Args, isText) {
				r(n, "looks into the text of an error")
			}
		case *ast.BinaryExpr:
			if (n.Op == token.EQL || n.Op == token.NEQ) && (isText(n.X) || isText(n.Y)) {
				r(n, "compares the text of an error")
			}
		}
		return true
	})
}

func checkComments(s goFile, r finding) {
	re := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	for _, group := range s.file.Comments {
		if word := re.FindString(group.Text()); word != "" {
			r(group, "a comment says %s", word)
		}
	}
}

func checkFileLength(s goFile, r finding) {
	if s.lines > maxFileLines {
		r(nil, "%d lines", s.lines)
	}
}

func checkPackageFiles(s goFile, r finding) {
	if s.nth > maxPackageFiles {
		r(nil, "file %d of its package", s.nth)
	}
}

func checkFuncLength(s goFile, r finding) {
	for f := range funcsOf(s) {
		lines := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
		if lines > maxFuncLines {
			r(f, "%s has %d lines", f.Name.Name, lines)
		}
	}
}

func checkParams(s goFile, r finding) {
	for f := range funcsOf(s) {
		if f.Type.Params.NumFields() > maxParams {
			r(f, "%s takes %d parameters", f.Name.Name, f.Type.Params.NumFields())
		}
	}
}

// funcsOf yields the functions and methods that s declares.
func funcsOf(s goFile) func(yield func(*ast.FuncDecl) bool) {
	return func(yield func(*ast.FuncDecl) bool) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && !yield(f) {
				return
			}
		}
	}
}

func importPath(spec *ast.ImportSpec) string {
	path, _ := strconv.Unquote(spec.Path.Value)
	return path
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}
