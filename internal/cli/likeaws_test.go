package cli_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

var likeAWS = flag.Int("aws", 3, "compare so many random lines with the real AWS CLI, where it is there; each takes a second")

// TestLikeAWS runs random lines of sync, cp and mv with --dryrun by the real AWS CLI and by haul: both must plan the same.
func TestLikeAWS(t *testing.T) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("there is no AWS CLI to compare with")
	}
	haul := filepath.Join(t.TempDir(), "haul") // TestMain goes by the name
	if err := os.Symlink(os.Args[0], haul); err != nil {
		t.Skip(err)
	}
	seed := uint64(time.Now().UnixNano())
	dice := rand.New(rand.NewPCG(seed, 0))
	for range *likeAWS {
		m := storetest.New(storetest.Buckets("lab"))
		srv := s3server.Serve(t, m)
		dir := t.TempDir()
		fillRandomly(t, dice, dir, m)
		line := randomLine(dice)
		want, got := planned(t, exec.Command(aws, append([]string{"s3"}, line...)...), dir, srv.URL), planned(t, exec.Command(haul, line...), dir, srv.URL)
		if !slices.Equal(got, want) {
			t.Errorf("seed %d: %q\naws:  %q\nhaul: %q", seed, line, want, got)
		}
	}
}

// fillRandomly makes a folder run, and objects below s3://lab/p and s3://lab/q.
func fillRandomly(t *testing.T, dice *rand.Rand, dir string, m *storetest.Memory) {
	names := []string{"a.txt", "b.gz", "d/a.txt", "d/b.gz", "d/e/c.txt", "d-x/y", "d.z", "[x]/q.txt", "d/e.gz", "sp ace.txt", "é.txt"}
	some := func(put func(name, text string)) {
		for _, name := range names {
			if dice.IntN(3) > 0 {
				put(name, strings.Repeat("x", dice.IntN(2)+1))
			}
		}
	}
	some(func(name, text string) {
		path := filepath.Join(dir, "run", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(dice.IntN(3)-1) * time.Hour)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	})
	for _, prefix := range []string{"p/", "q/"} {
		some(func(name, text string) { m.PutBytes(store.Ref{Bucket: "lab", Key: prefix + name}, []byte(text)) })
	}
}

func randomLine(dice *rand.Rand) []string {
	patterns := []string{"*", "*.txt", "d/*", "*/a.txt", "[!d]*", "d?x/*", "d/e", "*e*", "[[]x]/*", "./a.txt", "a.txt"}
	ways := [][]string{{"run", "s3://lab/p"}, {"s3://lab/p", "run"}, {"s3://lab/p", "s3://lab/q/"}}
	verb := [][]string{{"sync"}, {"sync", "--delete"}, {"cp", "--recursive"}, {"mv", "--recursive"}}[dice.IntN(4)]
	way := ways[dice.IntN(3)]
	line := slices.Concat(verb, way, []string{"--dryrun"})
	switch n := dice.IntN(3); {
	case verb[0] == "sync" && n == 0:
		line = append(line, "--size-only")
	case verb[0] == "sync" && n == 1 && way[1] == "run":
		line = append(line, "--exact-timestamps")
	}
	for range dice.IntN(4) {
		line = append(line, []string{"--exclude", "--include"}[dice.IntN(2)], patterns[dice.IntN(len(patterns))])
	}
	return line
}

// planned gives what a line would do, in one spelling.
func planned(t *testing.T, cmd *exec.Cmd, dir, endpoint string) []string {
	t.Helper()
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+endpoint, "AWS_ACCESS_KEY_ID=AKIATEST", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "HAUL_STATE_DIR="+dir, "PYTHONIOENCODING=utf-8", "LC_ALL=C.UTF-8")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v: %s", cmd.Args, err, stderr.String())
	}
	var lines []string
	for line := range strings.SplitSeq(string(out), "\n") {
		if i := strings.LastIndex(line, "(dryrun)"); i >= 0 {
			line, _, _ = strings.Cut(line[i:], "  (")
			lines = append(lines, strings.ReplaceAll(strings.TrimRight(line, " \r"), " ./run", " run"))
		}
	}
	slices.Sort(lines)
	return lines
}
