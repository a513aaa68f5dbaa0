package command

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// askMFA asks for the code of an MFA device on the terminal, whatever standard input and output are. The code is shown as it is
// typed: it is good once, and reading it unseen would leave the terminal dark at Ctrl-C.
func askMFA(serial string) (string, error) {
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
	_, err = fmt.Fprintf(screen, "\nEnter MFA code for %s: ", serial)
	if err = errors.Join(err, screen.Close()); err != nil {
		return "", err
	}
	return bufio.NewReader(keys).ReadString('\n')
}

// roleCache is the folder where the AWS CLI keeps the credentials of roles, or "" if there is no home folder.
func roleCache() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".aws", "cli", "cache")
}
