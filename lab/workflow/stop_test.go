package workflow_test

import (
	"strings"
	"syscall"
	"testing"
)

// worker does a half of its work, and the rest when it is asked to end.
const worker = `mkdir -p ck out; trap 'echo saved > ck/state; echo ends; exit 0' TERM; echo half > ck/half; echo begins; while :; do read x < gate; done`

// TestStopped ends a run by SIGTERM, and by the notice of a Spot machine: what is wanted of it is up, and the exit code tells.
func TestStopped(t *testing.T) {
	for _, how := range []string{"SIGTERM", "Spot notice"} {
		t.Run(how, func(t *testing.T) {
			g := newRig(t, "lab")
			g.put("lab", "x", []byte("x"))
			line := []string{"run", "--in", "s3://lab/x", "--out", "out/**:s3://lab/out/", "--on-interrupt", "ck/**", "--", "sh", "-c", "mkfifo gate; " + worker}
			p := g.command(line...)
			ready := make(chan struct{})
			if how == "Spot notice" {
				url, asked := spotService(t, ready)
				p = g.command(append([]string{"run", "--spot"}, line[1:]...)...)
				p.Env = append(p.Env, "AWS_EC2_METADATA_SERVICE_ENDPOINT="+url)
				defer func() {
					if asked.Load() == 0 {
						t.Error("nobody asked the metadata service")
					}
				}()
			}
			p.await(p.begin("begins"))
			if close(ready); how == "SIGTERM" {
				if err := p.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			p.end(143)
			for key, want := range map[string]string{"ck/state": "saved\n", "ck/half": "half\n", "run.stdout": "begins\nends\n"} {
				if got := g.get("lab", "out/_partial/"+key); got == nil || string(got) != want {
					t.Errorf("_partial/%s is %q, want %q", key, got, want)
				}
			}
			if g.get("lab", "out/_partial/run.stderr") == nil {
				t.Error("the second log is not there")
			}
			r := g.record("lab", "out/_partial/run.json")
			if r.Outcome != "interrupted" || !strings.Contains(r.Why, how) {
				t.Errorf("run.json: %+v", r)
			}
			if g.get("lab", "out/_SUCCESS") != nil || g.get("lab", "out/run.json") != nil {
				t.Error("a run that was interrupted looks like a result")
			}
			if !strings.Contains(p.stderr.String(), how) {
				t.Errorf("haul said: %s", p.stderr.String())
			}
		})
	}
}
