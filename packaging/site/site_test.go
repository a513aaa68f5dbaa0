package main

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

// checkout is the repository, from the folder of this package.
const checkout = "../.."

// built is the site, by paths.
var built = sync.OnceValues(func() (map[string][]byte, error) {
	s, err := read(checkout)
	if err != nil {
		return nil, err
	}
	return s.files()
})

func siteFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestSameBytes: two builds make the same files, and nothing else is left of an earlier one.
func TestSameBytes(t *testing.T) {
	want := siteFiles(t)
	out := filepath.Join(t.TempDir(), "site")
	for range 2 {
		if err := build(checkout, out); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, "old.html"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := build(checkout, out); err != nil {
		t.Fatal(err)
	}
	n := 0
	err := filepath.WalkDir(out, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		name, _ := filepath.Rel(out, file)
		data, err := os.ReadFile(file)
		if !bytes.Equal(data, want[filepath.ToSlash(name)]) {
			t.Errorf("%s differs", name)
		}
		return err
	})
	if err != nil || n != len(want) {
		t.Errorf("%d files, not %d, %v", n, len(want), err)
	}
	if err := build(checkout, t.TempDir()); err != nil {
		t.Errorf("an empty folder: %v", err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "mine.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := build(checkout, other); err == nil {
		t.Error("a folder with a file of somebody else was replaced")
	}
}

// TestAllDocuments: every document of the repository is a page.
func TestAllDocuments(t *testing.T) {
	s, err := read(checkout)
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(os.DirFS(checkout), ".", func(name string, d fs.DirEntry, err error) error {
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && name != "." || name == "site" || name == "dist") {
			return fs.SkipDir
		}
		if path.Ext(name) == ".md" && s.bySource[name] == nil {
			t.Errorf("%s is not a page: add it to navigation", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// htmlPage is what the tests look at in a page.
type htmlPage struct {
	ids   map[string]bool
	links []string // a href, and what is loaded
	loads []string
	count map[string]int // of elements
	title string
	lang  string
}

var void = []string{"meta", "link", "input", "br", "hr", "img"}

// readPage reads a page strictly: each element ends where it should.
func readPage(t *testing.T, name string, data []byte) htmlPage {
	t.Helper()
	p := htmlPage{ids: map[string]bool{}, count: map[string]int{}}
	var open []string
	z := html.NewTokenizer(bytes.NewReader(data))
	for {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				t.Errorf("%s: %v, and not ended are %v", name, z.Err(), open)
			}
			return p
		case html.TextToken:
			if len(open) > 0 && open[len(open)-1] == "title" {
				p.title += token.Data
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("%s: </%s> ends %v", name, token.Data, open)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			if kind == html.StartTagToken && !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
			p.element(t, name, token)
		}
	}
}

func (p *htmlPage) element(t *testing.T, name string, token html.Token) {
	t.Helper()
	p.count[token.Data]++
	attributes := map[string]string{}
	for _, a := range token.Attr {
		if _, twice := attributes[a.Key]; twice {
			t.Errorf("%s: <%s> has %s twice", name, token.Data, a.Key)
		}
		attributes[a.Key] = a.Val
	}
	if id, ok := attributes["id"]; ok {
		if id == "" || p.ids[id] {
			t.Errorf("%s: the id %q is not the only one", name, id)
		}
		p.ids[id] = true
	}
	switch token.Data {
	case "html":
		p.lang = attributes["lang"]
	case "a":
		p.links = append(p.links, attributes["href"])
	case "link":
		p.loads = append(p.loads, attributes["href"])
	case "script", "img", "iframe", "audio", "video", "source", "object", "embed":
		p.loads = append(p.loads, attributes["src"])
	case "svg":
		if attributes["role"] != "img" || attributes["aria-label"] == "" {
			t.Errorf("%s: a picture has no text", name)
		}
	}
}

// TestPages reads all pages as HTML: they are well formed, have what a reader and a screen reader need, load only what is of the site, and
// their links lead to something.
func TestPages(t *testing.T) {
	files := siteFiles(t)
	pages := map[string]htmlPage{}
	for name, data := range files {
		if path.Ext(name) == ".html" {
			pages[name] = readPage(t, name, data)
		}
	}
	for name, data := range files {
		if bytes.Contains(data, []byte("%!")) {
			t.Errorf("%s has a value that could not be formatted", name)
		}
	}
	titles := map[string]string{}
	linked := map[string]bool{"index.html": true}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		p := pages[name]
		if p.lang != "en" || p.title == "" || p.count["h1"] != 1 || p.count["main"] != 1 || p.count["nav"] == 0 || !p.ids["main"] {
			t.Errorf("%s: lang %q, title %q, elements %v", name, p.lang, p.title, p.count)
		}
		if other := titles[p.title]; other != "" {
			t.Errorf("%s and %s have the title %q", name, other, p.title)
		}
		titles[p.title] = name
		for _, address := range slices.Concat(p.links, p.loads) {
			u, err := url.Parse(address)
			if err != nil || address == "" {
				t.Errorf("%s: link to %q: %v", name, address, err)
				continue
			}
			if u.IsAbs() || strings.HasPrefix(address, "/") {
				if slices.Contains(p.loads, address) || !strings.HasPrefix(address, "https://") {
					t.Errorf("%s: %q is outside the site", name, address)
				}
				continue
			}
			to := name
			if u.Path != "" {
				to = path.Join(path.Dir(name), u.Path)
			}
			if to != name {
				linked[to] = true
			}
			if target, isPage := pages[to]; files[to] == nil && !isPage {
				t.Errorf("%s: there is no %s", name, address)
			} else if u.Fragment != "" && isPage && !target.ids[u.Fragment] {
				t.Errorf("%s: %s has no heading for %s", name, to, address)
			}
		}
	}
	for name := range files {
		if path.Ext(name) == ".html" && !linked[name] {
			t.Errorf("no page leads to %s", name)
		}
	}
	for _, foreign := range []string{"http://", "https://", "@import", "url("} {
		if bytes.Contains(files["style.css"], []byte(foreign)) || bytes.Contains(files["search.js"], []byte(foreign)) {
			t.Errorf("styles or script have %q", foreign)
		}
	}
}

// browse returns the page that a browser makes of a file of the site, after its scripts ran.
func browse(t *testing.T, extra map[string]string, address string) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	out := filepath.Join(t.TempDir(), "site")
	if err := build(checkout, out); err != nil {
		t.Fatal(err)
	}
	for name, text := range extra {
		if err := os.WriteFile(filepath.Join(out, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
		"--disable-web-security", // a page that is a file may look into others
		"--virtual-time-budget=60000", "--dump-dom", "file://"+out+"/"+address)
	dom, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(dom)
}

// TestSearch opens a page that is a file, and searches.
func TestSearch(t *testing.T) {
	t.Parallel()
	dom := browse(t, nil, "index.html?q=interrupt+los")
	if want := `<div id="found"><a href="semantics.html#what-an-interruption-loses">`; !strings.Contains(dom, want) {
		t.Errorf("no %s in %s", want, dom)
	}
}

// TestNarrow shows every page in 400 pixels: none is wider than that.
func TestNarrow(t *testing.T) {
	t.Parallel()
	var pages []string
	for name := range siteFiles(t) {
		if path.Ext(name) == ".html" {
			pages = append(pages, name)
		}
	}
	list, err := json.Marshal(pages)
	if err != nil {
		t.Fatal(err)
	}
	const script = `<!DOCTYPE html><iframe style="width:400px;height:800px"></iframe><p>not done</p><script>
(async () => {
  const frame = document.querySelector("iframe");
  const wide = [];
  for (const page of PAGES) {
    await new Promise((done) => { frame.onload = done; frame.src = page; });
    const root = frame.contentDocument.documentElement;
    if (root.scrollWidth > root.clientWidth || root.clientWidth < 380) wide.push(page + ": " + root.scrollWidth);
  }
  document.querySelector("p").textContent = "too wide: [" + wide + "]";
})();
</script>`
	dom := browse(t, map[string]string{"narrow.html": strings.Replace(script, "PAGES", string(list), 1)}, "narrow.html")
	if !strings.Contains(dom, "<p>too wide: []</p>") {
		t.Error(dom)
	}
}
