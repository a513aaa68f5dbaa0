package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/localfile"
)

const (
	// littleSpace is so little that no large file fits, in bytes.
	littleSpace = 1 << 30
	// fewFiles is less than a transfer with many connections needs.
	fewFiles = 512
)

// machine checks what needs no network.
func (d *run) machine(context.Context) {
	d.ok("version", "%s", d.Version)
	if d.StoresErr != nil {
		d.report(BadStores(d.StoresErr))
	} else {
		d.ok("stores", "%s", d.Stores)
	}
	d.stateDir()
	d.space()
	if n := localfile.MaxOpen(); n != 0 && n < fewFiles {
		d.warn("open files", fmt.Sprintf("this process may open at most %d files and connections", n), fmt.Sprintf("raise the limit: ulimit -n %d", 8*fewFiles))
	} else if n != 0 {
		d.ok("open files", "up to %d files and connections", n)
	} else {
		d.ok("open files", "any number of files and connections")
	}
}

// BadStores returns the finding that the file of named stores is not valid.
func BadStores(err error) Finding {
	return Finding{Name: "stores", Grade: Bad, Text: err.Error(), Advice: "correct the file, or move it away: until then, commands that use a store stop here; see haul help stores"}
}

// stateDir tries to create a file where records are kept, or in the folder where that folder would be created.
func (d *run) stateDir() {
	const name = "state folder"
	dir := d.StateDir
	for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	f, err := os.CreateTemp(dir, ".haul-doctor-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		d.warn(name, fmt.Sprintf("%s is not writable, so interrupted transfers start over: %v", d.StateDir, err), "set HAUL_STATE_DIR to a folder that you may write to")
		return
	}
	d.ok(name, "%s is writable: interrupted transfers are recorded there", d.StateDir)
}

// space checks the current folder, where downloads go to by default.
func (d *run) space() {
	const name = "disk"
	switch free := localfile.Free("."); {
	case free < 0:
		d.open("unknown: the free space of the current folder cannot be read", name)
	case free < littleSpace:
		d.warn(name, amount.Bytes(free)+" are free in the current folder", "free some space before you download to it, or download to another folder")
	default:
		d.ok(name, "%s are free in the current folder", amount.Bytes(free))
	}
}
