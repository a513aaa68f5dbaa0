package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const doctorLong = `haul doctor checks everything that a transfer needs: this machine, the endpoint, the credentials, what they permit, and what the server
and the bucket support. Include its output in bug reports and in questions to your administrator; it contains no secrets.

  haul doctor                          check the connection and the credentials
  haul doctor s3://BUCKET[/PREFIX]     also check what you may do there, and the bucket's settings
  haul doctor --write s3://BUCKET      also write two small test objects, and remove them

Each check prints one line:

  OK    name: what was found
  WARN  name: what was found, for something that only limits transfers, followed by a line with what to do
  BAD   name: the same, for something that makes transfers fail
  --    name: why the check was not made

haul doctor exits with 1 if a check is BAD. No request is retried, and each may take at most 10 s; a dead endpoint costs a few seconds.

At a terminal, haul asks before it writes; otherwise --write is required. The test objects have random names under the prefix
(haul-doctor-…). One is written several times, to find out which checksums and conditions the server checks; the other is uploaded in
parts, with at most 8 MiB, to measure the rate of one connection. In a versioned bucket, their versions are removed too. If something
cannot be removed, haul names it.`

const doctorExample = `  haul doctor s3://lab/runs
  haul doctor --write --endpoint-url https://minio.example.org s3://lab/runs
  haul doctor --json s3://lab | jq -r '.diagnosis | select(.grade == "bad") | .advice'`

// doctorFlags are those of haul doctor, as typed.
type doctorFlags struct {
	write bool
	attrs attrFlags
}

func (f *doctorFlags) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("Checks", pflag.ContinueOnError)
	fs.BoolVar(&f.write, "write", false, "write two small test objects under the prefix without asking, and remove them")
	return fs
}

func (a *app) doctor() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:     "doctor [flags] [s3://BUCKET[/PREFIX]]",
		Short:   "Check the connection, the credentials and the bucket",
		Long:    doctorLong,
		Example: doctorExample,
		Args:    cobra.MaximumNArgs(1),
	}
	groups := []*pflag.FlagSet{f.flags(), f.attrs.readFlags(nil)}
	return verb(a, cmd, groups, func(args []string, _ *pflag.FlagSet) (command.DoctorRequest, error) { return f.parse(args) }, a.session.Doctor)
}

// parse returns the request that the flags and arguments describe.
func (f *doctorFlags) parse(args []string) (r command.DoctorRequest, err error) {
	r.Write = f.write
	if r.Attrs, err = f.attrs.attrs("", disk{}.read); err != nil {
		return r, err
	}
	if len(args) == 0 {
		if f.write {
			return r, command.Usagef("--write needs a bucket: haul doctor --write s3://BUCKET")
		}
		return r, nil
	}
	r.Where, err = parseRemote(args[0])
	return r, err
}
