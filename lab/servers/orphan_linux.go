package servers

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel kill the process when this one dies without having cleaned up.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
