package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haul/internal/awsline"
)

var update = flag.Bool("update", false, "write doc/aws-compat.md anew")

const docPath = "../../doc/aws-compat.md"

const docHead = `# aws s3, as haul speaks it

Called under the name aws (` + "`haul install-aws DIR`" + ` puts it there) or as ` + "`haul aws …`" + `, haul takes the lines of ` + "`aws s3`" + `: the options of
the AWS CLI 1.45 and 2.x, with their meaning, output and exit codes. Every other service goes to the next real aws in PATH.
doc/SEMANTICS.md says where a run differs from the AWS CLI's.

States: **as aws**: the same meaning. **differs**: the note says how. **as it says**: what the option asks for is so in any case,
and haul does nothing more for it. No option is missing, and none is ignored.

This page is made by ` + "`go test ./internal/cli -update`" + ` from the table that lines are read by.
`

// TestDoc keeps doc/aws-compat.md true.
func TestDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString(docHead)
	section(&b, "Options of all verbs", "", awsline.Globals)
	for _, c := range awsline.Commands {
		section(&b, "aws s3 "+c.Name, c.Usage, c.Options)
	}
	b.WriteString(docTail)
	if *update {
		if err := os.WriteFile(docPath, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(docPath)
	if err != nil || string(have) != b.String() {
		t.Errorf("doc/aws-compat.md is not what the table says (%v); run go test ./internal/cli -update", err)
	}
}

func section(b *strings.Builder, name, usage string, options []awsline.Option) {
	fmt.Fprintf(b, "\n## %s\n\n", name)
	if usage != "" {
		fmt.Fprintf(b, "`%s`\n\n", usage)
	}
	b.WriteString("| option | values | state | note |\n|---|---|---|---|\n")
	for _, o := range options {
		values := strings.TrimSpace(o.Words())
		if len(o.Choices) > 0 {
			values = strings.Join(o.Choices, ", ")
		}
		fmt.Fprintf(b, "| `--%s` | %s | %s | %s |\n", o.Name, values, o.State, o.Note)
	}
}

const docTail = `
## The config file and the environment

| of the ` + "`s3`" + ` section of a profile | what haul does |
|---|---|
| max_concurrent_requests | bounds how many requests haul makes at once; not set, haul finds the number by itself |
| multipart_threshold | of one file: below it, one request. In trees haul decides |
| multipart_chunksize | the size of parts |
| max_bandwidth | bounds what moves, both ways together |
| max_queue_size | checked; haul's queue is short in any case |
| addressing_style, use_accelerate_endpoint, use_dualstack_endpoint | as aws |
| payload_signing_enabled | bodies are signed as well, which reads them twice |
| preferred_transfer_client, target_bandwidth | checked; haul has one client, which finds the bandwidth by itself |

| variable | what haul does |
|---|---|
| AWS_ACCESS_KEY_ID and its fellows, AWS_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_REGION, AWS_DEFAULT_REGION | as aws |
| AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, AWS_CA_BUNDLE | as aws |
| AWS_REQUEST_CHECKSUM_CALCULATION | when_required: Content-MD5 in place of the newer checksums |
| AWS_RESPONSE_CHECKSUM_VALIDATION | haul proves what it can in any case |
| AWS_MAX_ATTEMPTS | bounds for how long haul tries again: 20 seconds for each attempt after the first |
| AWS_CLI_S3_MV_VALIDATE_SAME_S3_PATHS | as --validate-same-s3-paths |
| HAUL_RESUME=1 | broken transfers are kept, and the same line goes on with them |
| HAUL_READ_TWICE=1 | what nothing in the store can verify is downloaded a second time and compared, so that mv of it succeeds |
`

// TestEveryOptionTried: each option of each verb stands in a script of internal/cli, or in the lines that lab/servers runs against
// the real aws.
func TestEveryOptionTried(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/aws*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal(err, scripts)
	}
	var lines []string
	for _, path := range append(scripts, "../../lab/servers/testdata/aws.lines") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(string(text), "\n")...)
	}
	tried := func(verb, option string) bool {
		return slices.ContainsFunc(lines, func(line string) bool {
			words := strings.Fields(line)
			return slices.Contains(words, "aws") && (verb == "" || slices.Contains(words, verb)) &&
				slices.ContainsFunc(words, func(w string) bool { name, _, _ := strings.Cut(w, "="); return name == "--"+option })
		})
	}
	for _, o := range awsline.Globals {
		if !tried("", o.Name) {
			t.Errorf("no script tries aws --%s", o.Name)
		}
	}
	for _, c := range awsline.Commands {
		for _, o := range c.Options {
			if !tried(c.Name, o.Name) {
				t.Errorf("no script tries aws s3 %s --%s", c.Name, o.Name)
			}
		}
	}
}
