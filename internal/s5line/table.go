package s5line

import (
	"slices"
	"strings"
)

// Takes is what follows a flag.
type Takes string

// The kinds of values.
const (
	Nothing  Takes = ""           // a switch
	Text     Takes = "text"       // the last one counts
	Number   Takes = "number"     // a whole number
	Duration Takes = "duration"   // as 90m
	Choice   Takes = "choice"     // one of Choices
	List     Takes = "patterns"   // each time one more, or several with commas between
	Pairs    Takes = "NAME=VALUE" // each time one more
)

// State is what haul does about a flag or a verb.
type State string

// The states.
const (
	Same    State = "as s5cmd"   // the same meaning
	Near    State = "differs"    // the note explains how
	Trivial State = "as it says" // haul always behaves like this
	Refused State = "refused"    // an error, with exit code 1
)

// Flag is one flag of the table. Its names stand without dashes.
type Flag struct {
	Name, Short string
	Takes       Takes
	Choices     []string
	AnyCase     bool // of Choices
	Hidden      bool // from the help
	State       State
	Note        string
}

func (f *Flag) allows(value string) bool {
	return slices.ContainsFunc(f.Choices, func(c string) bool { return c == value || f.AnyCase && strings.EqualFold(c, value) })
}

// Verb is one command.
type Verb struct {
	Name, Usage, Short string
	State              State
	Note               string
	Flags              []Flag
}

func (f Flag) as(s State, note string) Flag {
	f.State, f.Note = s, note
	return f
}

func (f Flag) short(name string) Flag {
	f.Short = name
	return f
}

func toggle(name string) Flag { return Flag{Name: name, State: Same} }
func text(name string) Flag   { return Flag{Name: name, Takes: Text, State: Same} }
func number(name string) Flag { return Flag{Name: name, Takes: Number, State: Same} }
func choice(name string, choices ...string) Flag {
	return Flag{Name: name, Takes: Choice, Choices: choices, State: Same}
}
func list(name string) Flag { return Flag{Name: name, Takes: List, State: Same} }

var help = toggle("help").short("h").as(Near, "haul's own text")

// Globals are the flags before the verb.
var Globals = []Flag{
	toggle("json"),
	number("numworkers").as(Near, "limits the requests in flight, together with --concurrency, to their product; without it, haul finds the best number itself. In run, the number of commands at once (256)"),
	number("retry-count").short("r").as(Same, "tries that moved data do not count"),
	text("endpoint-url").as(Same, "also S3_ENDPOINT_URL, and, unlike s5cmd, AWS_ENDPOINT_URL and the profile's endpoint_url"),
	toggle("no-verify-ssl"),
	choice("log", "trace", "debug", "info", "error").as(Near, "trace prints haul's retries and notes, not every request"),
	toggle("install-completion").as(Refused, "haul does not complete the commands of s5cmd"),
	toggle("dry-run").as(Near, "a download or copy looks up a source that was named without a wildcard, and fails if there is none"),
	toggle("stat"),
	toggle("no-sign-request"),
	toggle("use-list-objects-v1").as(Trivial, "haul asks by version 2, and recognizes servers that only know version 1"),
	text("request-payer"),
	text("profile").as(Near, "the profile of ~/.aws/config counts too: its region, its endpoint, a role to assume"),
	text("credentials-file"),
	help,
}

// of returns flags for copies of any direction.
func attributes() []Flag {
	return []Flag{
		text("storage-class"),
		number("concurrency").short("c").as(Near, "has an effect only together with --numworkers"),
		number("part-size").short("p").as(Near, "MiB; without it, haul chooses the size of parts by that of the object, not 50 MiB"),
		{Name: "metadata", Takes: Pairs, State: Same},
	}
}

func encryption() []Flag {
	return []Flag{text("sse"), text("sse-kms-key-id"), text("acl"), text("cache-control"), text("expires")}
}

func headers() []Flag {
	return []Flag{text("content-type").as(Near, "without it, an upload guesses by haul's own list, the same on every machine"), text("content-encoding"), text("content-disposition")}
}

// shared are the flags of cp, mv and sync.
func shared() []Flag {
	flags := append([]Flag{toggle("no-follow-symlinks")}, attributes()...)
	flags = append(flags, Flag{Name: "metadata-directive", Takes: Choice, Choices: []string{"COPY", "REPLACE", ""}, AnyCase: true, State: Same,
		Note: "of copies; without it REPLACE, as in s5cmd: the copy has only the metadata and headers that the command names"})
	flags = append(flags, encryption()...)
	flags = append(flags,
		toggle("force-glacier-transfer"),
		toggle("ignore-glacier-warnings").as(Near, "sync takes it too"),
		text("source-region").as(Same, "the store names the right region if it is wrong"),
		text("destination-region").as(Same, "the store names the right region if it is wrong"),
		list("exclude"),
		list("include"),
		toggle("raw"),
	)
	flags = append(flags, headers()...)
	retries := number("no-such-upload-retry-count").as(Trivial, "haul always checks whether an upload was completed")
	retries.Hidden = true
	return append(flags, retries, help)
}

func copying() []Flag {
	return append([]Flag{
		toggle("flatten").short("f").as(Near, "two sources with the same last name are an error; in s5cmd one of them wins"),
		toggle("no-clobber").short("n"),
		toggle("if-size-differ").short("s"),
		toggle("if-source-newer").short("u"),
		text("version-id"),
		toggle("show-progress").short("sp").as(Near, "haul's own progress line, on stderr, if that is a terminal"),
	}, shared()...)
}

func moving() []Flag {
	flags := copying()
	f := find(flags, "version-id")
	*f = f.as(Refused, "use cp, then rm --version-id; s5cmd copies the version, and deletes the current one")
	return flags
}

func piping() []Flag {
	flags := append(attributes(), encryption()...)
	flags = append(flags, toggle("raw"))
	flags = append(flags, headers()...)
	return append(flags, toggle("no-clobber").short("n"), help)
}

// sql are the flags of select, which haul refuses.
func sql() []Flag {
	flags := []Flag{
		text("query").short("e"), text("output-format"), list("exclude"), toggle("force-glacier-transfer"), toggle("ignore-glacier-warnings"),
		toggle("raw"), toggle("all-versions"), text("version-id"), text("compression"), text("delimiter"), text("use-header"), text("structure"),
	}
	for i := range flags {
		flags[i] = flags[i].as(Refused, "")
	}
	return append(flags, help)
}

const (
	twoPlaces   = "source destination"
	noVersions  = "only objects of a store have versions"
	wrongSource = "s3://bucketname"
)

// Verbs are the commands.
var Verbs = []Verb{
	{Name: "ls", Usage: "[argument]", Short: "list buckets and objects", State: Same, Flags: []Flag{
		toggle("etag").short("e"), toggle("humanize").short("H"), toggle("storage-class").short("s"), list("exclude"),
		toggle("all-versions").as(Same, noVersions), toggle("show-fullpath"), help,
	}},
	{Name: "cp", Usage: twoPlaces, Short: "copy objects", State: Same, Note: "what arrived is verified; a failed upload leaves nothing behind", Flags: copying()},
	{Name: "rm", Usage: "argument …", Short: "remove objects", State: Same, Flags: []Flag{
		toggle("raw"), list("exclude"), list("include"), toggle("all-versions").as(Same, noVersions), text("version-id"), help,
	}},
	{Name: "mv", Usage: twoPlaces, Short: "move objects", State: Near,
		Note: "a source is deleted only after its copy is verified and is another object; in s5cmd, mv of an object onto itself deletes it", Flags: moving()},
	{Name: "mb", Usage: wrongSource, Short: "make bucket", State: Same, Flags: []Flag{help}},
	{Name: "rb", Usage: wrongSource, Short: "remove bucket", State: Same, Flags: []Flag{help}},
	{Name: "select", Usage: "csv|json|parquet argument", Short: "run SQL queries on objects", State: Refused,
		Note: "haul runs no SQL; Amazon S3 has closed S3 Select to new customers", Flags: sql()},
	{Name: "du", Usage: "argument", Short: "show object size usage", State: Near, Note: "ends with 1 if nothing matches; s5cmd ends with 0", Flags: []Flag{
		toggle("group").short("g"), toggle("humanize").short("H"), list("exclude"), toggle("all-versions").as(Same, noVersions), text("version-id"), help,
	}},
	{Name: "cat", Usage: "source", Short: "print objects", State: Same, Flags: []Flag{
		toggle("raw"), text("version-id"), number("concurrency").short("c").as(Near, "has an effect only together with --numworkers"),
		number("part-size").short("p").as(Near, "MiB; without it, haul chooses"), help,
	}},
	{Name: "pipe", Usage: "destination", Short: "stream standard input to an object", State: Near, Note: "errors are printed; s5cmd fails without a word", Flags: piping()},
	{Name: "run", Usage: "[file]", Short: "run commands of a file, or of standard input, in parallel", State: Near,
		Note: "ends with 1 if any command failed, also for an unknown verb, which is nothing to s5cmd", Flags: []Flag{help}},
	{Name: "sync", Usage: twoPlaces, Short: "sync objects", State: Near,
		Note: "--delete deletes nothing if a listing or a transfer failed, or if the source is empty, and needs a folder or a pattern as its source", Flags: append([]Flag{
			toggle("delete").as(Near, "only after everything else succeeded, and not from an empty source"), toggle("size-only"), toggle("exit-on-error").as(Near, "a listing that fails always stops sync"),
		}, shared()...)},
	{Name: "version", Short: "print version", State: Near, Note: "v2.3.0-haul", Flags: []Flag{help}},
	{Name: "bucket-version", Usage: wrongSource, Short: "configure bucket versioning", State: Same, Flags: []Flag{
		{Name: "set", Takes: Choice, Choices: []string{"Suspended", "Enabled"}, AnyCase: true, State: Same}, help,
	}},
	{Name: "presign", Usage: "source", Short: "print a signed URL of an object", State: Same, Flags: []Flag{
		{Name: "expire", Takes: Duration, State: Same, Note: "3h without it; at most 7 days"},
		text("version-id").as(Near, "is in the URL; s5cmd ignores it"), help,
	}},
	{Name: "head", Usage: "source", Short: "print what is stored with an object", State: Same, Flags: []Flag{text("version-id"), toggle("raw"), help}},
}

// verbOf finds a verb, or nil.
func verbOf(name string) *Verb {
	for i := range Verbs {
		if Verbs[i].Name == name {
			return &Verbs[i]
		}
	}
	return nil
}

// find finds a flag by either of its names, or nil.
func find(flags []Flag, name string) *Flag {
	for i := range flags {
		if flags[i].Name == name || flags[i].Short == name && name != "" {
			return &flags[i]
		}
	}
	return nil
}
