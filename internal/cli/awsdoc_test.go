package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/internal/awsline"
)

var update = flag.Bool("update", false, "write doc/aws-compat.md anew")

const docPath = "../../doc/aws-compat.md"

const docHead = `# aws s3, as haul speaks it

Called under the name aws (` + "`haul install-aws DIR`" + ` puts it there) or as ` + "`haul aws …`" + `, haul takes the lines of ` + "`aws s3`" + `: the options of
the AWS CLI 1.45 and 2.x, with their meaning, output and exit codes. Every other service goes to the next real aws in PATH.
doc/SEMANTICS.md says where a run differs from the AWS CLI's.

States: **as aws**: the same meaning. **differs**: the note says how. **as it says**: what the option asks for is so in any case,
and haul does nothing more for it. No option is ignored: one that is not here is refused. What newer versions have and haul does not is
at the end.

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
| preferred_transfer_client, target_bandwidth, io_chunksize, disk_throughput, should_stream, direct_io | checked; haul has one client, which finds the bandwidth by itself |

| variable | what haul does |
|---|---|
| AWS_ACCESS_KEY_ID and its fellows, AWS_PROFILE, AWS_DEFAULT_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, AWS_REGION, AWS_DEFAULT_REGION | as aws; without any region, that of the EC2 instance |
| AWS_S3_USE_ARN_REGION | as aws: the region in an access point's ARN counts, unless this is false |
| AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, AWS_CA_BUNDLE | as aws |
| AWS_REQUEST_CHECKSUM_CALCULATION, request_checksum_calculation of the profile | when_required: Content-MD5 in place of the newer checksums. The variable counts under haul's own name, too |
| AWS_RESPONSE_CHECKSUM_VALIDATION | haul verifies what it can in any case |
| AWS_MAX_ATTEMPTS, AWS_RETRY_MODE, max_attempts and retry_mode of the profile | as aws: a request is made 3 times, 5 in the legacy mode, or as often as said. Tries that brought bytes do not count. Under its own name haul tries for as long as --patience says |
| AWS_CLI_S3_MV_VALIDATE_SAME_S3_PATHS | as --validate-same-s3-paths |
| HAUL_RESUME=1 | interrupted transfers are kept, and the same command resumes them |
| HAUL_READ_TWICE=1 | what nothing in the store can verify is downloaded a second time and compared, so that mv of it succeeds |

Roles: a profile with mfa_serial is asked for its code on the terminal, and the credentials of a role are kept in ~/.aws/cli/cache, in the
form and under the name that the AWS CLI gives them, so that each program uses what the other has.

## Not taken

This page was last compared with the AWS CLI 2.36. Of what its newer versions have, haul does not take:

- ` + "`--copy-props all`" + `, which copies object annotations as well: refused. Annotations are never copied.
- ` + "`mb`" + ` in the account-regional namespace of buckets.
- ` + "`--cli-error-format`" + ` other than legacy, and AWS_CLI_ERROR_FORMAT; messages do not begin with ` + "`aws: [ERROR]:`" + `.
- ` + "`--case-conflict`" + ` on directory buckets is not refused.
- ` + "`presign`" + ` of a time that S3 refuses (0, or more than 604800 seconds), or with ` + "`--no-sign-request`" + `: refused, where aws prints an address that does not work or is not signed.
- Object Lambda access points and the buckets of Outposts: refused, as by aws.
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
