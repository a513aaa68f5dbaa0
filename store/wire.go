package store

import "sync/atomic"

// Wire lets the caller of a Put watch its connection: bytes that a socket has accepted may not have arrived yet. The zero
// value is ready for use, and reports nothing until the store calls Watch. It may be used from several goroutines at once.
type Wire struct {
	acked atomic.Pointer[func() (int64, bool)]
}

// Watch is for the store: acked returns how many bytes of this request the other side has acknowledged, or false.
func (w *Wire) Watch(acked func() (int64, bool)) {
	if w != nil {
		w.acked.Store(&acked)
	}
}

// Acked returns how many bytes of the request the other side has acknowledged; false if that is unknown.
func (w *Wire) Acked() (int64, bool) {
	f := w.acked.Load()
	if f == nil {
		return 0, false
	}
	return (*f)()
}
