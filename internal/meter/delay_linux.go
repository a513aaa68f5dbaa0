package meter

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// Delay returns the time that threads of this process could have run and had no core to run on, all of them added up, since
// each began; 0 if the system does not report it.
func Delay() time.Duration {
	const tasks = "/proc/self/task/"
	dir, err := os.Open(tasks)
	if err != nil {
		return 0
	}
	defer dir.Close() // only read from
	threads, err := dir.Readdirnames(-1)
	if err != nil {
		return 0
	}
	var sum time.Duration
	for _, thread := range threads {
		// time on a core, time waiting for one, both in nanoseconds, and how often: Documentation/scheduler/sched-stats.rst
		text, err := os.ReadFile(tasks + thread + "/schedstat")
		if err != nil {
			continue // it has ended
		}
		if fields := bytes.Fields(text); len(fields) == 3 {
			n, _ := strconv.ParseInt(string(fields[1]), 10, 64) // 0 is as good as no report
			sum += time.Duration(n)
		}
	}
	return sum
}
