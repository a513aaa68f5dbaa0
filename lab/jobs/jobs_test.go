package jobs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"haul.example/haul/lab/built"
	"haul.example/haul/lab/endpoint"
	"haul.example/haul/store/storetest"
	"haul.example/haul/store/storetest/s3server"
)

// printed gives what haul array submit prints for a plan of so many shards.
func printed(t *testing.T, shards string, args ...string) []byte {
	t.Helper()
	m := storetest.New(storetest.Buckets("lab"))
	server := s3server.Serve(t, m)
	e := endpoint.Endpoint{URL: server.URL, AccessKey: "AKIATEST", SecretKey: "do-not-print-me"}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "list"), []byte(filepath.Join(dir, "list")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []byte {
		cmd := e.Command(dir, built.Haul(t), args...)
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("haul %v: %v\n%s", args, err, complaint.String())
		}
		return out
	}
	run("array", "plan", "--shards", shards, filepath.Join(dir, "list"), "s3://lab/in", "-o", "s3://lab/plan")
	out := run(append([]string{"array", "submit", "--print", "--image", "registry.example.org/haul:1", "s3://lab/plan"}, args...)...)
	if bytes.Contains(out, []byte("do-not-print-me")) || bytes.Contains(out, []byte("AKIATEST")) {
		t.Errorf("credentials are in it:\n%s", out)
	}
	return out
}

// strict decodes, and takes no field that the type has not.
func strict(t *testing.T, text []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// TestKubernetes: both jobs are what k8s.io/api says, and the first is an Indexed Job of the right size.
func TestKubernetes(t *testing.T) {
	var list struct {
		APIVersion, Kind string
		Items            []json.RawMessage
	}
	strict(t, printed(t, "7", "--k8s", "--namespace", "lab", "--service-account", "mover", "--cpus", "4", "--memory", "2GiB"), &list)
	if list.APIVersion != "v1" || list.Kind != "List" || len(list.Items) != 2 {
		t.Fatalf("%+v", list)
	}
	var work, finish batchv1.Job
	strict(t, list.Items[0], &work)
	strict(t, list.Items[1], &finish)
	for _, j := range []batchv1.Job{work, finish} {
		pod := j.Spec.Template.Spec
		if j.APIVersion != "batch/v1" || j.Kind != "Job" || j.Namespace != "lab" || pod.RestartPolicy != corev1.RestartPolicyNever ||
			len(pod.Containers) != 1 || pod.ServiceAccountName != "mover" {
			t.Errorf("%+v", j)
		}
		if c := pod.Containers[0]; c.Resources.Requests.Cpu().Value() != 4 || c.Resources.Limits.Memory().Value() != 2<<30 {
			t.Errorf("%+v", c.Resources)
		}
	}
	s := work.Spec
	if *s.CompletionMode != batchv1.IndexedCompletion || *s.Completions != 7 || *s.Parallelism != 7 || *s.BackoffLimitPerIndex != 3 || !*finish.Spec.Suspend {
		t.Errorf("%+v", s)
	}
	if got := s.Template.Spec.Containers[0].Command; !reflect.DeepEqual(got, []string{"haul", "array", "work", "s3://lab/plan"}) {
		t.Error(got)
	}
}

// wire keeps what the SDK sends, and answers nothing.
type wire struct{ sent []byte }

var errSent = errors.New("it was sent")

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	var err error
	if w.sent, err = io.ReadAll(r.Body); err != nil {
		return nil, err
	}
	return nil, errSent
}

// TestBatch: the SDK takes each document for an input, finds it valid, and sends just the same.
func TestBatch(t *testing.T) {
	for _, shards := range []string{"1", "40"} {
		var doc struct {
			RegisterJobDefinition json.RawMessage
			SubmitJobs            []json.RawMessage
			SubmitFinishJob       json.RawMessage
		}
		strict(t, printed(t, shards, "--batch", "--queue", "movers", "--job-role", "arn:aws:iam::123456789012:role/mover"), &doc)
		w := &wire{}
		client := batch.New(batch.Options{Region: "eu-central-1", HTTPClient: w, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
		var definition batch.RegisterJobDefinitionInput
		strict(t, doc.RegisterJobDefinition, &definition)
		_, err := client.RegisterJobDefinition(t.Context(), &definition)
		same(t, w, err, doc.RegisterJobDefinition)
		if len(doc.SubmitJobs) != 1 {
			t.Fatalf("%d jobs", len(doc.SubmitJobs))
		}
		for _, text := range append(doc.SubmitJobs, doc.SubmitFinishJob) {
			var job batch.SubmitJobInput
			strict(t, text, &job)
			_, err := client.SubmitJob(t.Context(), &job)
			same(t, w, err, text)
			if p := job.ArrayProperties; p != nil && (shards != "40" || aws.ToInt32(p.Size) != 40) {
				t.Errorf("%s shards make an array of %d", shards, aws.ToInt32(p.Size))
			}
		}
	}
}

// same checks that a call got as far as the wire, and what went there.
func same(t *testing.T, w *wire, err error, text []byte) {
	t.Helper()
	if !errors.Is(err, errSent) {
		t.Fatalf("%v\n%s", err, text)
	}
	var sent, printed any
	if err := errors.Join(json.Unmarshal(w.sent, &sent), json.Unmarshal(text, &printed)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(sent, printed) {
		t.Errorf("the SDK sends\n%s\nwhere haul prints\n%s", w.sent, text)
	}
}
