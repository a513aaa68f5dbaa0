package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"haul.example/haul/internal/command"
)

const receiptLong = `haul receipt converts a receipt that cp, mv, sync or apply wrote with --receipt, and prints it:

  haul receipt md5sum R    a list for md5sum -c, which you can run in the delivered folder
  haul receipt sums R      one line per checksum: CRC64NVME (d/x.bam) = ae8b14860a799888
  haul receipt csv R       a table with a header
  haul receipt html R      a self-contained HTML page

R is a file, or - for standard input. A receipt has one JSON object per line, so you can join receipts with cat and query them with
jq. The md5sum format needs the MD5 of each file: transfer with --digest md5. Files without an MD5 are omitted and counted, and the exit
code is then 1. The sums format includes the checksums recorded by the server, so haul verify can check the objects later without
downloading them. If a file is listed twice, its last line counts. haul does not overwrite an existing file (exit code 5).`

func (a *app) receipt() *cobra.Command {
	var out string
	fl := pflag.NewFlagSet("Receipt", pflag.ContinueOnError)
	fl.StringVarP(&out, "output", "o", "", "write to `FILE` instead of standard output")
	cmd := &cobra.Command{
		Use:     "receipt [flags] md5sum|sums|csv|html RECEIPT",
		Short:   "Print a receipt as a list of checksums, a table, or an HTML page",
		Long:    receiptLong,
		Example: "  haul cp -r --digest md5 --receipt run42.jsonl run42 s3://lab/runs/42\n  haul receipt md5sum run42.jsonl -o md5sum.txt\n  haul receipt html run42.jsonl -o run42.html",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return command.Usagef("receipt needs a format (md5sum, sums, csv or html) and a RECEIPT")
			}
			if command.ReceiptFormats[args[0]] == nil {
				return command.Usagef("the format must be md5sum, sums, csv or html (got %q)", args[0])
			}
			return nil
		},
	}
	a.command(cmd, []*pflag.FlagSet{fl}, func(_ context.Context, args []string) error {
		return a.session.Receipt(args[0], args[1], out)
	})
	return cmd
}
