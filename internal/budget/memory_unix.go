//go:build unix

package budget

import "golang.org/x/sys/unix"

// allocate gets zeroed memory from the system, outside the heap. Pages take memory when they are first touched.
func allocate(size int64) ([]byte, error) {
	return unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// free gives memory back to the system. A caller that touches it afterwards crashes at once, rather than corrupt another's
// bytes.
func free(buf []byte) error { return unix.Munmap(buf) }
