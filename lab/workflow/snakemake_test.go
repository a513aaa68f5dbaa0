package workflow_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// recipe gives the code of a page of doc/recipes that stands under the line of that name.
func recipe(t *testing.T, page, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../doc/recipes/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "`"+name+"`:\n\n```")
	_, rest, _ = strings.Cut(rest, "\n")
	code, _, closed := strings.Cut(rest, "```\n")
	if !ok || !closed {
		t.Fatalf("%s has no %s", page, name)
	}
	return []byte(code)
}

// TestSnakemake runs the recipe for Snakemake as it stands on its page.
func TestSnakemake(t *testing.T) {
	needs(t, "snakemake", "samtools", "bwa")
	g := newRig(t, "lab", "refs")
	ref := genome(5_000)
	g.put("refs", "hg38/hg38.fa", ref)
	for _, sample := range []string{"s1", "s2"} {
		g.put("lab", "reads/"+sample+".fq", []byte("@r1\n"+string(ref[6:66])+"\n+\n"+strings.Repeat("I", 60)+"\n"))
	}
	g.write("Snakefile", recipe(t, "snakemake.md", "Snakefile"))
	snakemake := func() string {
		cmd := exec.Command("snakemake", "--cores", "2")
		cmd.Dir, cmd.Env = g.dir, g.env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("snakemake: %v\n%s", err, out)
		}
		return string(out)
	}
	snakemake()
	for _, sample := range []string{"s1", "s2"} {
		g.proved("lab", "bam/"+sample+".bam.run/run.json", 2)
	}
	g.fetchedOnce("/refs/hg38/hg38.fa", int64(len(ref)))
	// The marks are gone, as on another machine: Snakemake runs all again, and haul finds that there is nothing to do.
	if err := os.RemoveAll(g.dir + "/done"); err != nil {
		t.Fatal(err)
	}
	if said := snakemake(); strings.Count(said, "nothing to do: the same command") != 2 {
		t.Errorf("snakemake said: %s", said)
	}
}
