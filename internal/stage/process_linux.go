package stage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// strayTime is how long killed processes may take to end.
const strayTime = 10 * time.Second

// adoptOrphans makes this process the parent of what the command leaves behind: in a container nobody else may wait for it.
func adoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// endStrays kills what the command of an earlier run in this work folder left running when haul itself was killed. These processes are
// known by their environment; the lock of the folder ensures that no other run uses it.
func endStrays(work string) error {
	timer := time.NewTimer(strayTime)
	defer timer.Stop()
	tick := time.NewTicker(groupPoll)
	defer tick.Stop()
	for {
		pids := strays(work)
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		select {
		case <-tick.C:
		case <-timer.C:
			return fmt.Errorf("the command of an earlier run is still in %s, and cannot be killed: %d", work, pids)
		}
	}
}

func strays(work string) (pids []int) {
	want := []byte(workVariable + "=" + work)
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		env, err := os.ReadFile(path)
		if err != nil { // it has ended, or is another user's
			continue
		}
		for variable := range bytes.SplitSeq(env, []byte{0}) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if bytes.Equal(variable, want) && err == nil && pid != os.Getpid() {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}
