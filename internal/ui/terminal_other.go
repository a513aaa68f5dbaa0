//go:build !windows

package ui

// moveable reports whether the cursor of a terminal can be moved.
func moveable(uintptr) bool { return true }
