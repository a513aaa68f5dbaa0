package servers_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/lab/servers"
)

// TestTutorial runs the commands of doc/tutorial.md one after the other in one shell, and compares what they print. Those for AWS are not
// run.
func TestTutorial(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "doc/tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := tutorialSteps(string(text))
	if len(steps) < 15 {
		t.Fatalf("only %d commands were found", len(steps))
	}
	for _, kind := range []servers.Kind{servers.Versitygw, servers.MinIO} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			printed := runTutorial(t, servers.Start(t, kind, false).Endpoint, steps)
			for i, s := range steps {
				if !sameOutput(s.output, printed[i]) {
					t.Errorf("$ %s\nprints\n%s\ndoc/tutorial.md has\n%s", s.command, printed[i], s.output)
				}
			}
		})
	}
}

// tutorialStep is a command, and what the page says that it prints.
type tutorialStep struct{ command, output string }

// tutorialSteps returns the commands after a $ in the code of a page.
func tutorialSteps(text string) []tutorialStep {
	var steps []tutorialStep
	open, aws := false, false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		code, isCode := strings.CutPrefix(line, "    ")
		command, isCommand := strings.CutPrefix(code, "$ ")
		switch {
		case strings.HasPrefix(line, "#"):
			aws = line == "### On AWS"
		case !isCode:
			open = false
		case isCommand && !aws:
			steps = append(steps, tutorialStep{command: command})
			open = true
		case open:
			steps[len(steps)-1].output += code + "\n"
		}
	}
	return steps
}

const tutorialMark = "-- end of a command --"

// runTutorial returns what each command prints. One whose output starts with ^C gets SIGINT after four seconds.
func runTutorial(t *testing.T, e endpoint.Endpoint, steps []tutorialStep) []string {
	t.Helper()
	var script strings.Builder
	for _, s := range steps {
		command := regexp.MustCompile(`\bAWS_\w+=\S+`).ReplaceAllString(s.command, "HAUL_TEST=") // the test has its own
		if strings.HasPrefix(s.output, "^C\n") {
			command = "timeout --preserve-status -s INT 4 " + command
		}
		script.WriteString(command + "\necho '" + tutorialMark + "'\n")
	}
	dir := t.TempDir()
	cmd := e.Command(dir, "bash", "-c", script.String())
	cmd.Dir = dir
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(built.Haul(t), filepath.Join(bin, "haul")); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Env, "PATH="+bin+":"+os.Getenv("PATH"), "HAUL_NO_PROGRESS=true")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if _, exited := err.(*exec.ExitError); !exited {
			t.Fatal(err)
		}
	}
	printed := strings.Split(out.String(), tutorialMark+"\n")
	if len(printed) != len(steps)+1 {
		t.Fatalf("%d of %d commands were run:\n%s", len(printed)-1, len(steps), out.String())
	}
	return printed
}

// varying is what differs from run to run: times, rates, how much was stored when a run was stopped; and from store to store: whether it
// keeps checksums of parts.
var varying = regexp.MustCompile(`: part \d+ \(bytes .*\)|\d+(\.\d+)?( MiB| KiB| GiB|)/s|\d+(\.\d+)? objects/s|\b\d+(\.\d+)? m?s\b|\d+(\.\d+)?( of \d+\.\d MiB is| MiB) already stored|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|[0-9a-f]{8}-[-0-9a-f]{20,}|[-\w]{60,}`)

// sameOutput compares lines in any order, since transfers end in any. An … in want stands for any lines.
func sameOutput(want, got string) bool {
	lines := func(s string) []string {
		s = strings.TrimSpace(varying.ReplaceAllString(strings.TrimPrefix(s, "^C\n"), ""))
		all := strings.Split(s, "\n")
		slices.Sort(all)
		return all
	}
	w, g := lines(want), lines(got)
	if !slices.Contains(w, "…") {
		return slices.Equal(w, g)
	}
	return !slices.ContainsFunc(w, func(line string) bool { return line != "…" && !slices.Contains(g, line) })
}
