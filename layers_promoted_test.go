package haul_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// promotedReason is the reason of the rule that TestPromotedMethods checks. Unlike the rules in layerRules, it holds for the
// module as a whole.
const promotedReason = "a method that hides a promoted one makes x.f and x.embedded.f differ: name the field, or the method"

func TestPromotedMethods(t *testing.T) {
	for _, fault := range hiddenMethods(parseModule(t)) {
		t.Errorf("%s\n\trule: %s", fault, promotedReason)
	}
}

// TestPromotedMethodsBreak verifies that the rule can fail, through a second embedded type and across packages.
func TestPromotedMethodsBreak(t *testing.T) {
	fset := token.NewFileSet()
	faults := hiddenMethods([]goFile{
		parseFile(t, fset, "store/a.go", "package store\ntype A struct{}\nfunc (*A) Close() {}\ntype B struct{ *A }\n"),
		parseFile(t, fset, "proof/c.go", "package proof\nimport \""+module+"/store\"\ntype C struct{ store.B }\nfunc (C) Close() {}\nfunc (C) Open() {}\n"),
	})
	if len(faults) != 1 || !strings.Contains(faults[0], "C.Close") {
		t.Errorf("faults: %q, want one about C.Close", faults)
	}
}

// declaredType is what a type declares itself, and what it embeds, each as "folder.Name".
type declaredType struct {
	methods  map[string]string // to where they are
	embedded []string
	isStruct bool
}

// hiddenMethods returns the methods of structs that hide one of an embedded type of this module. Test files are left out: a
// double may well replace one method of what it embeds.
func hiddenMethods(files []goFile) (faults []string) {
	types := map[string]*declaredType{}
	get := func(name string) *declaredType {
		if types[name] == nil {
			types[name] = &declaredType{methods: map[string]string{}}
		}
		return types[name]
	}
	for _, s := range files {
		if s.test {
			continue
		}
		for f := range funcsOf(s) {
			if f.Recv != nil {
				get(s.typeName(f.Recv.List[0].Type)).methods[f.Name.Name] = fmt.Sprintf("%s:%d", s.path, s.fset.Position(f.Pos()).Line)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				get(s.dir+"."+spec.Name.Name).declare(s, spec.Type)
			}
			return true
		})
	}
	for name, d := range types {
		if !d.isStruct {
			continue
		}
		for method, where := range d.methods {
			for _, inner := range d.embedded {
				if visible(name, inner, method) && has(types, inner, method) {
					faults = append(faults, fmt.Sprintf("%s: %s.%s hides that of %s", where, name, method, inner))
				}
			}
		}
	}
	return faults
}

// visible reports whether a method of inner can be promoted into name: one that is not exported stays in its package.
func visible(name, inner, method string) bool {
	return ast.IsExported(method) || name[:strings.LastIndex(name, ".")] == inner[:strings.LastIndex(inner, ".")]
}

// declare records the fields or methods of a type.
func (d *declaredType) declare(s goFile, t ast.Expr) {
	switch t := t.(type) {
	case *ast.StructType:
		d.isStruct = true
		for _, f := range t.Fields.List {
			if len(f.Names) == 0 {
				d.embedded = append(d.embedded, s.typeName(f.Type))
			}
		}
	case *ast.InterfaceType:
		for _, f := range t.Methods.List {
			for _, name := range f.Names {
				d.methods[name.Name] = s.path
			}
			if len(f.Names) == 0 {
				d.embedded = append(d.embedded, s.typeName(f.Type))
			}
		}
	}
}

// has reports whether a type has a method, its own or a promoted one.
func has(types map[string]*declaredType, name, method string) bool {
	d := types[name]
	if d == nil {
		return false
	}
	if d.methods[method] != "" {
		return true
	}
	for _, inner := range d.embedded {
		if has(types, inner, method) {
			return true
		}
	}
	return false
}

// typeName returns the name of a type of this module as "folder.Name", or that of another package as it is written.
func (s goFile) typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.typeName(e.X)
	case *ast.IndexExpr:
		return s.typeName(e.X)
	case *ast.Ident:
		return s.dir + "." + e.Name
	case *ast.SelectorExpr:
		for _, spec := range s.file.Imports {
			path := importPath(spec)
			name := path[strings.LastIndex(path, "/")+1:]
			if spec.Name != nil {
				name = spec.Name.Name
			}
			if isName(e.X, name) && (path == module || strings.HasPrefix(path, module+"/")) {
				dir := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
				if dir == "" {
					dir = "."
				}
				return dir + "." + e.Sel.Name
			}
		}
		return fmt.Sprint(e.X, ".", e.Sel.Name)
	}
	return ""
}
