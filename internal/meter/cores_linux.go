package meter

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// clockTick is the unit of /proc/stat: USER_HZ, 100 per second on every architecture that Go supports.
	clockTick = 10 * time.Millisecond
	// idle and iowait are two of the columns in it, counted from 0; those after steal repeat others.
	idle, iowait, afterSteal = 3, 4, 8
)

// Cores returns the time that the cores which this process may use have been busy, with any program, and all their time,
// since the machine started; 0 if the system does not report it.
func Cores() (busy, all time.Duration) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	var mine unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mine); err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) <= afterSteal || !bytes.HasPrefix(fields[0], []byte("cpu")) {
			continue
		}
		n, err := strconv.Atoi(string(fields[0][3:]))
		if err != nil || !mine.IsSet(n) {
			continue
		}
		for column, field := range fields[1 : afterSteal+1] {
			ticks, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil {
				return 0, 0
			}
			all += time.Duration(ticks) * clockTick
			if column != idle && column != iowait {
				busy += time.Duration(ticks) * clockTick
			}
		}
	}
	return busy, all
}
