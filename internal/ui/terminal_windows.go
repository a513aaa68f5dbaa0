package ui

import "golang.org/x/sys/windows"

// moveable reports whether the cursor of a console can be moved by what is written to it, which it turns on.
func moveable(fd uintptr) bool {
	var mode uint32
	if windows.GetConsoleMode(windows.Handle(fd), &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(windows.Handle(fd), mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
