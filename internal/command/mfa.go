package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// askMFA asks for the code of an MFA device. It is shown as it is typed: it is good once, and reading it unseen would leave the terminal
// dark at Ctrl-C.
func askMFA(serial string) (string, error) {
	return ask(context.Background(), fmt.Sprintf("\nEnter MFA code for %s: ", serial))
}

// ask asks for a line on the terminal, whatever standard input and output are, until ctx ends.
func ask(ctx context.Context, question string) (string, error) {
	in, out := "/dev/tty", "/dev/tty"
	if runtime.GOOS == "windows" {
		in, out = "CONIN$", "CONOUT$"
	}
	keys, err := os.OpenFile(in, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer keys.Close() // only read from
	screen, err := os.OpenFile(out, os.O_WRONLY, 0)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprint(screen, question)
	if err = errors.Join(err, screen.Close()); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = keys.SetReadDeadline(time.Now()) }) // a terminal that has no deadlines needs a second signal
	defer stop()
	text, err := bufio.NewReader(keys).ReadString('\n')
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return text, err
}

// roleCache is the folder where the AWS CLI keeps the credentials of roles, or "" if there is no home folder.
func roleCache() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".aws", "cli", "cache")
}
