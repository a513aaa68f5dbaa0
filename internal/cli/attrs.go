package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
	"haul.example/haul/internal/seqfile"
	"haul.example/haul/store"
)

// attrFlags are the choices that travel with an object, as typed.
type attrFlags struct {
	metadata, tags string
	headers        store.Headers
	noGuess        bool
	storageClass   string
	acl            string
	grants         []string
	redirect       string
	payer          string

	sse, kmsKey          string
	customer, copySource keyFlags
}

// keyFlags are those of a customer's own key.
type keyFlags struct{ algorithm, key string }

func (a *attrFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Object properties", pflag.ContinueOnError)
	fs.StringVar(&a.storageClass, "storage-class", "", "set the storage class to `CLASS`, such as STANDARD_IA or GLACIER_IR")
	fs.StringVar(&a.metadata, "metadata", "", "set user metadata from `NAME=VALUE,…` or a JSON object")
	fs.StringVar(&a.tags, "tags", "", "set tags from `NAME=VALUE,…` or NAME=VALUE&…")
	fs.StringVar(&a.headers.ContentType, "content-type", "", "set the content type to `TYPE` (default: guessed from the file name)")
	fs.BoolVar(&a.noGuess, "no-guess-mime-type", false, "do not guess the content type")
	fs.StringVar(&a.headers.ContentEncoding, "content-encoding", "", "set the Content-Encoding header to `ENCODING`, such as gzip")
	fs.StringVar(&a.headers.ContentDisposition, "content-disposition", "", "set the Content-Disposition header to `TEXT`, such as attachment")
	fs.StringVar(&a.headers.ContentLanguage, "content-language", "", "set the Content-Language header to `LANGUAGE`")
	fs.StringVar(&a.headers.CacheControl, "cache-control", "", "set the Cache-Control header to `TEXT`, such as max-age=3600")
	fs.StringVar(&a.headers.Expires, "expires", "", "set the Expires header to `DATE`: 2030-01-31 or 2030-01-31T12:00:00Z")
	fs.StringVar(&a.acl, "acl", "", "apply a canned `ACL`, such as bucket-owner-full-control")
	fs.StringArrayVar(&a.grants, "grants", nil, "grant a permission: in `PERMISSION=GRANTEE`, PERMISSION is read, readacl, writeacl or full, and GRANTEE is id=ID or uri=URI; may be repeated")
	fs.StringVar(&a.redirect, "website-redirect", "", "if the bucket is a website, redirect requests for the object to another `PATH` or a URL")
	return fs
}

func (a *attrFlags) encryptionFlags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Server-side encryption", pflag.ContinueOnError)
	optional(fs, &a.sse, "sse", "AES256", "use server-side encryption `TYPE`: AES256 (default), aws:kms or aws:kms:dsse")
	fs.StringVar(&a.kmsKey, "sse-kms-key-id", "", "encrypt with the KMS key that has this `ID`")
	optional(fs, &a.customer.algorithm, "sse-c", "AES256", "encrypt or decrypt with a customer-provided `AES256` key")
	fs.StringVar(&a.customer.key, "sse-c-key", "", "use this 32-byte `KEY`: fileb://PATH, base64 or raw bytes (fileb:// keeps the key out of process listings)")
	optional(fs, &a.copySource.algorithm, "sse-c-copy-source", "AES256", "decrypt the source of a copy with its own customer-provided `AES256` key")
	fs.StringVar(&a.copySource.key, "sse-c-copy-source-key", "", "decrypt the source with this 32-byte `KEY`, in the same formats as --sse-c-key")
	return fs
}

// readFlags are those of what only reads; version is nil if the command is not about one object.
func (a *attrFlags) readFlags(version *string) *pflag.FlagSet {
	fs := pflag.NewFlagSet("Reading", pflag.ContinueOnError)
	if version != nil {
		fs.StringVar(version, "version-id", "", "read version `ID` of the object")
	}
	optional(fs, &a.payer, "request-payer", "requester", "agree, as the `requester`, to pay for requests and data transfer")
	optional(fs, &a.customer.algorithm, "sse-c", "AES256", "decrypt with a customer-provided `AES256` key")
	fs.StringVar(&a.customer.key, "sse-c-key", "", "use this 32-byte `KEY`: fileb://PATH, base64 or raw bytes (fileb:// keeps the key out of process listings)")
	return fs
}

// optional makes a flag whose value may be left out.
func optional(fs *pflag.FlagSet, p *string, name, without, usage string) {
	fs.StringVar(p, name, "", usage)
	fs.Lookup(name).NoOptDefVal = without
}

// recursiveFlag adds -r and --recursive, and -R, which ls and cp have.
func recursiveFlag(fs *pflag.FlagSet, p *bool, usage string) {
	fs.BoolVarP(p, "recursive", "r", false, usage)
	alias(fs, "recursive", "recursive-as-ls", "R")
}

// dryFlag adds -n and --dryrun, as aws has it, and --dry-run, as everybody else.
func dryFlag(fs *pflag.FlagSet, p *bool, usage string) {
	fs.BoolVarP(p, "dryrun", "n", false, usage)
	alias(fs, "dryrun", "dry-run", "")
}

// alias adds a hidden flag that is another name of a flag without a value.
func alias(fs *pflag.FlagSet, of, name, short string) {
	f := fs.VarPF(aliasOf{fs.Lookup(of)}, name, short, "the same as --"+of)
	f.NoOptDefVal, f.Hidden = "true", true
}

// aliasOf sets a flag as if that had been named.
type aliasOf struct{ flag *pflag.Flag }

// Set sets the flag.
func (a aliasOf) Set(value string) error {
	a.flag.Changed = true
	return a.flag.Value.Set(value)
}

// String returns the flag's value.
func (a aliasOf) String() string {
	if a.flag == nil { // a zero value, which pflag makes to compare with
		return "false"
	}
	return a.flag.Value.String()
}

// Type returns the flag's type.
func (a aliasOf) Type() string { return "bool" }

// optionalValues are the values that may follow such a flag after a space, as in the AWS CLI.
var optionalValues = map[string][]string{
	"--sse":               {"AES256", "aws:kms", "aws:kms:dsse"},
	"--sse-c":             {"AES256"},
	"--sse-c-copy-source": {"AES256"},
	"--request-payer":     {"requester"},
}

// listValues are flags that take all the words that follow and can be their values, as in the AWS CLI.
var listValues = []string{"--grants"}

// isGrant reports whether a word is a value of --grants, and not a path.
func isGrant(word string) bool {
	permission, _, ok := strings.Cut(word, "=")
	return ok && slices.Contains([]string{"read", "readacl", "write", "writeacl", "full"}, permission)
}

// joinOptional writes "--sse aws:kms" as "--sse=aws:kms", since a flag whose value may be left out takes it only so.
func joinOptional(args []string) []string {
	joined := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(joined, args[i:]...)
		}
		if values, ok := optionalValues[args[i]]; ok && i+1 < len(args) && slices.Contains(values, args[i+1]) {
			joined = append(joined, args[i]+"="+args[i+1])
			i++
			continue
		}
		joined = append(joined, args[i])
		if slices.Contains(listValues, args[i]) {
			flag := args[i]
			for n := 0; i+1 < len(args) && isGrant(args[i+1]); n++ {
				if n > 0 {
					joined = append(joined, flag)
				}
				i++
				joined = append(joined, args[i])
			}
		}
	}
	return joined
}

// attrs returns the attributes that the flags describe. The content type is guessed from name, if that is not empty. A key in a file
// is read by read.
func (a *attrFlags) attrs(name string, read func(string) ([]byte, error)) (store.Attrs, error) {
	out := store.Attrs{Headers: a.headers, StorageClass: a.storageClass, ACL: a.acl, Redirect: a.redirect, RequestPayer: a.payer}
	var err error
	if out.Grants, err = command.ParseGrants(a.grants); err != nil {
		return out, err
	}
	if a.payer != "" && a.payer != "requester" {
		return out, command.Usagef("--request-payer must be requester (got %q)", a.payer)
	}
	if a.metadata != "" {
		if out.Metadata, err = command.ParseMetadata(a.metadata); err != nil {
			return out, err
		}
	}
	if a.tags != "" {
		if out.Tags, err = command.ParseTags(a.tags); err != nil {
			return out, err
		}
	}
	if out.Headers.ContentType == "" && !a.noGuess {
		out.Headers.ContentType = seqfile.ContentType(name)
	}
	if out.Headers.Expires, err = command.ParseDate(a.headers.Expires); err != nil {
		return out, err
	}
	out.Encryption, err = a.encryption(read)
	return out, err
}

func (a *attrFlags) encryption(read func(string) ([]byte, error)) (store.Encryption, error) {
	e := store.Encryption{SSE: a.sse, KMSKeyID: a.kmsKey}
	if a.sse != "" && !slices.Contains(optionalValues["--sse"], a.sse) {
		return e, command.Usagef("--sse must be AES256, aws:kms or aws:kms:dsse (got %q)", a.sse)
	}
	if a.kmsKey != "" && !strings.HasPrefix(a.sse, "aws:kms") {
		return e, command.Usagef("--sse-kms-key-id needs --sse aws:kms or aws:kms:dsse")
	}
	if a.sse != "" && a.customer != (keyFlags{}) {
		return e, command.Usagef("--sse and --sse-c cannot be used together")
	}
	var err error
	if e.Customer, err = a.customer.parse("--sse-c", read); err != nil {
		return e, err
	}
	e.CopySource, err = a.copySource.parse("--sse-c-copy-source", read)
	return e, err
}
