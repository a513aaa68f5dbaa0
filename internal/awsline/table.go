package awsline

// Takes says how many words follow an option.
type Takes string

// The ways.
const (
	Nothing Takes = ""        // a switch
	One     Takes = "one"     // one value; the last one given counts
	Maybe   Takes = "maybe"   // none or one
	Two     Takes = "two"     // a name and a value; each time one more
	Many    Takes = "several" // one or more
)

func (t Takes) least() int {
	switch t {
	case One, Many:
		return 1
	case Two:
		return 2
	}
	return 0
}

func (t Takes) most() int {
	switch t {
	case One, Maybe:
		return 1
	case Two:
		return 2
	case Many:
		return 1 << 20
	}
	return 0
}

func (t Takes) expected() string {
	switch t {
	case Two:
		return "expected 2 arguments"
	case Many:
		return "expected at least one argument"
	}
	return "expected one argument"
}

// State says what haul does about an option.
type State string

// The states.
const (
	Same    State = "as aws"     // the same meaning
	Near    State = "differs"    // the note says how
	Trivial State = "as it says" // what it asks for is so in any case
)

// Option is one option of the table. Its name stands without the dashes.
type Option struct {
	Name  string
	Takes Takes
	// Choices are all values that there are; none is any.
	Choices []string
	// Without is the value of a Maybe that has none.
	Without string
	// Int is a whole number.
	Int bool
	// Filter puts it into the order of Line.Filters.
	Filter bool
	State  State
	Note   string
}

// Command is one verb of s3.
type Command struct {
	Name string
	// Usage is what the paths are.
	Usage   string
	Paths   Paths
	Options []Option
}

func (o Option) note(s State, text string) Option {
	o.State, o.Note = s, text
	return o
}

func toggle(name string) Option { return Option{Name: name, State: Same} }
func value(name string, choices ...string) Option {
	return Option{Name: name, Takes: One, Choices: choices, State: Same}
}
func number(name string) Option { return Option{Name: name, Takes: One, Int: true, State: Same} }
func maybe(name, without string, choices ...string) Option {
	return Option{Name: name, Takes: Maybe, Without: without, Choices: choices, State: Same}
}

// Globals are the options that every command of aws has.
var Globals = []Option{
	toggle("debug").note(Near, "haul's own account on stderr: the endpoint, retries, proofs"),
	value("endpoint-url"),
	toggle("no-verify-ssl"),
	toggle("no-paginate").note(Trivial, "no verb of s3 pages its output"),
	value("output", "json", "text", "table", "yaml", "yaml-stream", "off").note(Trivial, "the verbs of s3 have one form of output"),
	value("query").note(Trivial, "the verbs of s3 have no output to query"),
	value("profile"),
	value("region"),
	toggle("version").note(Near, "that of the real aws where there is one, else haul's"),
	value("color", "on", "off", "auto").note(Trivial, "the verbs of s3 write without colour"),
	toggle("no-sign-request"),
	value("ca-bundle"),
	number("cli-read-timeout").note(Near, "a connection that moves no byte for so many seconds is cut and the request made again; 0 is never"),
	number("cli-connect-timeout"),
	value("cli-binary-format", "base64", "raw-in-base64-out").note(Trivial, "no option of s3 is base64; keys are raw, or fileb://"),
	toggle("no-cli-pager").note(Trivial, "haul starts no pager"),
	toggle("cli-auto-prompt").note(Near, "handed to the real aws, which can prompt"),
	toggle("no-cli-auto-prompt").note(Trivial, "haul does not prompt"),
	value("cli-error-format", "legacy", "json", "yaml", "text", "table", "enhanced").note(Same, "tables have no colors"),
	toggle("v2-debug").note(Trivial, "haul behaves as v2, so that there is nothing to warn of"),
}

var (
	pageSize = number("page-size").note(Same, "lists by pages of that many, one after the other")
	payer    = maybe("request-payer", "requester", "requester")
	filters  = []Option{
		{Name: "include", Takes: One, Filter: true, State: Same},
		{Name: "exclude", Takes: One, Filter: true, State: Same},
	}
	sseChoices = []string{"AES256", "aws:kms", "aws:kms:dsse"}
)

// transfer are the options of cp, mv and sync.
func transfer(more ...Option) []Option {
	all := []Option{
		toggle("dryrun"),
		toggle("quiet"),
		filters[0], filters[1],
		value("acl", "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
			"bucket-owner-full-control", "log-delivery-write"),
		toggle("follow-symlinks"),
		toggle("no-follow-symlinks"),
		toggle("no-guess-mime-type").note(Near, "haul guesses by its own list, the same on every machine"),
		maybe("sse", "AES256", sseChoices...).note(Same, "aws:kms:dsse too, which aws does not take"),
		maybe("sse-c", "AES256", "AES256"),
		value("sse-c-key"),
		value("sse-kms-key-id"),
		maybe("sse-c-copy-source", "AES256", "AES256"),
		value("sse-c-copy-source-key"),
		value("storage-class", "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER",
			"DEEP_ARCHIVE", "GLACIER_IR"),
		Option{Name: "tags", Takes: Two}.note(Same, "only mb has it in aws"),
		{Name: "grants", Takes: Many, State: Same},
		value("website-redirect"),
		value("content-type").note(Near, "of a copy, each of these headers is set without --metadata-directive REPLACE, too"),
		value("cache-control"),
		value("content-disposition"),
		value("content-encoding"),
		value("content-language"),
		value("expires"),
		value("source-region").note(Same, "of copies; the store names the right one if it is wrong"),
		toggle("only-show-errors"),
		toggle("no-progress"),
		number("progress-frequency"),
		toggle("progress-multiline"),
		pageSize,
		toggle("ignore-glacier-warnings"),
		toggle("force-glacier-transfer"),
		payer,
		value("checksum-mode", "ENABLED").note(Trivial, "every download is verified if the store recorded something to verify it by"),
		value("checksum-algorithm", "CRC64NVME", "CRC32", "SHA256", "SHA1", "CRC32C", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"),
		value("metadata"),
		value("copy-props", "none", "metadata-directive", "default", "all"),
		value("metadata-directive", "COPY", "REPLACE"),
		value("case-conflict", "ignore", "skip", "warn", "error").note(Near, "if the file system is case-sensitive there is no conflict, and no message"),
		toggle("no-overwrite"),
	}
	return append(all, more...)
}

// Commands are the verbs of s3.
var Commands = []Command{
	{"ls", "<S3Uri> or NONE", Paths{"paths", 0, 1}, []Option{
		toggle("recursive"), pageSize, toggle("human-readable"), toggle("summarize"), payer,
		value("bucket-name-prefix"), value("bucket-region"),
	}},
	{"website", "<S3Uri>", Paths{"paths", 1, 1}, []Option{value("index-document"), value("error-document")}},
	{"cp", usage, Paths{"paths", 2, 2}, transfer(value("expected-size"), toggle("recursive"))},
	{"mv", usage, Paths{"paths", 2, 2}, transfer(toggle("recursive"), toggle("validate-same-s3-paths").note(Near, "access points are refused, since haul cannot know their buckets"))},
	{"rm", "<S3Uri>", Paths{"paths", 1, 1}, []Option{
		toggle("dryrun"), toggle("quiet"), toggle("recursive"), payer, filters[0], filters[1], toggle("only-show-errors"), pageSize,
	}},
	{"sync", usage, Paths{"paths", 2, 2}, transfer(toggle("size-only"), toggle("exact-timestamps"), toggle("delete"))},
	{"mb", "<S3Uri>", Paths{"path", 1, 1}, []Option{{Name: "tags", Takes: Two, State: Same}}},
	{"rb", "<S3Uri>", Paths{"path", 1, 1}, []Option{toggle("force")}},
	{"presign", "<S3Uri>", Paths{"path", 1, 1}, []Option{number("expires-in")}},
}

const usage = "<LocalPath> <S3Uri> or <S3Uri> <LocalPath> or <S3Uri> <S3Uri>"

// command finds a verb, or nil.
func command(name string) *Command {
	for i := range Commands {
		if Commands[i].Name == name {
			return &Commands[i]
		}
	}
	return nil
}
