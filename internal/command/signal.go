package command

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// sameSignal is how soon after the first a second one of its kind still counts as the same: timeout(1), and shells, send theirs both
// to the process and to its group.
const sameSignal = time.Second / 2

// stopping is printed at the first signal.
const stopping = "stopping; parts that are nearly done get three seconds to finish (press Ctrl-C again to stop now)"

// exitHooks are called before a second signal ends the process.
type exitHooks struct {
	mu  sync.Mutex
	all map[int]func()
	n   int
}

type exitHooksKey struct{}

// beforeExit has f called before a second signal ends the process, until done is called. The context is one of Interruptible.
func beforeExit(ctx context.Context, f func()) (done func()) {
	h, ok := ctx.Value(exitHooksKey{}).(*exitHooks)
	if !ok {
		return func() {}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.n
	h.n++
	h.all[n] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.all, n)
	}
}

func (h *exitHooks) run() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.all {
		f()
	}
}

// Interruptible returns a context that ends, with cause *Stopped, at the first Ctrl-C, SIGTERM or SIGHUP; at the second one it calls
// exit with the code of that signal. A signal that the caller of the process chose to ignore (nohup) stays ignored.
// The returned func stops listening, and waits for that.
func Interruptible(parent context.Context, exit func(code int)) (context.Context, func()) {
	hooks := &exitHooks{all: map[int]func(){}}
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, exitHooksKey{}, hooks))
	signals := make(chan os.Signal, 2)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		var was os.Signal
		var began time.Time
		for first := true; ; first = false {
			select {
			case <-stop:
				return
			case s := <-signals:
				stopped := &Stopped{Signal: s}
				if first {
					was, began = s, time.Now()
					cancel(stopped)
					continue
				}
				if s == was && time.Since(began) < sameSignal {
					continue
				}
				hooks.run()
				exit(stopped.Code())
				return
			}
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		close(stop)
		wg.Wait()
		cancel(nil)
	}
}
