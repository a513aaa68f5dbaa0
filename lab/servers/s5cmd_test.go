package servers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/servers"
)

// newS5World makes a world in which a line finds program as s5cmd: the real one, or haul.
func newS5World(t *testing.T, kind servers.Kind, name string) *world {
	t.Helper()
	w := &world{name: name, server: servers.Start(t, kind, false), dir: t.TempDir()}
	bin := filepath.Join(w.dir, "bin")
	for _, dir := range []string{bin, filepath.Join(w.dir, "work"), filepath.Join(w.dir, "home")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.env = slices.DeleteFunc(w.server.Env(filepath.Join(w.dir, "home")), func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	w.env = append(w.env, "PATH="+strings.Join([]string{bin, "/usr/bin", "/bin"}, ":"), "S3_ENDPOINT_URL="+w.server.URL, "AWS_REGION=us-east-1", "TZ=UTC")
	if name == "haul" {
		out, err := exec.Command(built.Haul(t), "install-s5cmd", bin).CombinedOutput()
		if err != nil {
			t.Fatalf("install-s5cmd: %v\n%s", err, out)
		}
	} else if err := os.Symlink(built.S5cmd(t), filepath.Join(bin, "s5cmd")); err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	s5Stamp   = regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|("last_modified"|"created_at"):"[^"]*"`)
	s5Type    = regexp.MustCompile(`"content_type":"[^"]*",?`) // both guess by lists of their own
	s5Version = regexp.MustCompile(`"version_id":"[^"]*"|\b[0-9A-HJKMNP-TV-Z]{26}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b3/[0-9A-Z]{60,}=`)
	s5IDs     = regexp.MustCompile(`request id: [^,]*, host id: ?[^"\n]*`)
	s5Help    = regexp.MustCompile(`(?s)(Incorrect Usage: [^\n]*\n).*`)
)

// s5Plain leaves out of an answer what may differ: times, types of content, IDs of requests, help, and the order of lines.
func s5Plain(a answer) answer {
	for _, text := range []*string{&a.stdout, &a.stderr} {
		*text = s5Help.ReplaceAllString(*text, "$1")
		*text = s5Type.ReplaceAllString(*text, "")
		*text = s5Version.ReplaceAllString(*text, "VERSION")
		*text = s5IDs.ReplaceAllString(s5Stamp.ReplaceAllString(*text, "WHEN"), "ID")
		lines := strings.Split(*text, "\n")
		slices.Sort(lines)
		*text = strings.Join(lines, "\n")
	}
	return a
}

// s5Unsaid is what haul gives as the message of S3 where a HEAD found nothing, whose answer has no body. gofakes3's errors have none.
const s5Unsaid = "NoSuchKey: The specified key does not exist. "

// s5RunsOn reports whether a group of lines runs on a server: see the head of testdata/s5cmd.lines.
func s5RunsOn(group string, kind servers.Kind) bool {
	switch {
	case group == "versions":
		return kind == servers.MinIO || kind == servers.Gofakes3Memory
	case strings.HasSuffix(group, " once"):
		return kind == servers.Versitygw
	case group == "copied metadata":
		return kind == servers.Versitygw || kind == servers.MinIO
	}
	return kind != servers.Gofakes3Memory
}

// TestS5cmd runs the lines of testdata/s5cmd.lines with the real s5cmd and with haul under its name, each in a world of its own, and
// compares exit codes, output, and, after each group, files and objects.
func TestS5cmd(t *testing.T) {
	lines, err := os.ReadFile("testdata/s5cmd.lines")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO, servers.Gofakes3, servers.Gofakes3Memory} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			worlds := []*world{newS5World(t, kind, "s5cmd"), newS5World(t, kind, "haul")}
			group, equal, tried, better := "", 0, 0, 0
			end := func() {
				if tried > 0 {
					t.Logf("%s: %d lines, %d equal, %d with a better exit code", group, tried, equal, better)
					compare(t, group+": files and objects", worlds[0].state(t), worlds[1].state(t))
				}
			}
			for line := range strings.SplitSeq(string(lines), "\n") {
				if name, isGroup := strings.CutPrefix(line, "# "); isGroup {
					end()
					group, equal, tried, better = name, 0, 0, 0
					continue
				}
				mark := ""
				for _, m := range []string{"$ ", "! ", "~ "} {
					if rest, ok := strings.CutPrefix(line, m); ok {
						mark, line = m, rest
					}
				}
				if line == "" || !s5RunsOn(group, kind) {
					continue
				}
				a := both(worlds, line)
				theirs, ours := s5Plain(a[0]), s5Plain(a[1])
				if kind == servers.Gofakes3 {
					ours.stderr = strings.ReplaceAll(ours.stderr, s5Unsaid, "NoSuchKey:  ")
				}
				fits := theirs == ours
				switch mark {
				case "$ ":
					if theirs.code != 0 || ours.code != 0 {
						t.Fatalf("%s: codes %d and %d\n%s%s", line, theirs.code, ours.code, a[0].stderr, a[1].stderr)
					}
					continue
				case "! ":
					fits = theirs.code == 0 && ours.code != 0
					better++
				case "~ ":
					fits = theirs.code == ours.code
				}
				tried++
				if fits {
					equal++
					continue
				}
				t.Errorf("%s\ns5cmd: code %d\n%s%s\n haul: code %d\n%s%s", line, theirs.code, theirs.stdout, theirs.stderr, ours.code, ours.stdout, ours.stderr)
			}
			end()
		})
	}
}
