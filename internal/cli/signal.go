package cli

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

// stopping is what a run says at the first signal.
const stopping = "stopping; parts that are nearly done get three seconds to finish (press Ctrl-C again to stop now)"

// lastWords are what has to be done before a second signal ends the process.
type lastWords struct {
	mu  sync.Mutex
	all map[int]func()
	n   int
}

type lastWordsKey struct{}

// beforeExit lets f be called before a second signal ends the process, until the func that it gives is called. The context is one of
// Interruptible.
func beforeExit(ctx context.Context, f func()) (done func()) {
	w, ok := ctx.Value(lastWordsKey{}).(*lastWords)
	if !ok {
		return func() {}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.n
	w.n++
	w.all[n] = f
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, n)
	}
}

func (w *lastWords) say() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.all {
		f()
	}
}

// Interruptible gives a context that ends, with cause *Stopped, at the first Ctrl-C, SIGTERM or SIGHUP; at the second one it calls
// exit with the code of that signal. A signal that the caller of the process chose to ignore (nohup) stays ignored.
// The func given back ends the listening and waits for it.
func Interruptible(parent context.Context, exit func(code int)) (context.Context, func()) {
	words := &lastWords{all: map[int]func(){}}
	ctx, cancel := context.WithCancelCause(context.WithValue(parent, lastWordsKey{}, words))
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
				words.say()
				exit(stopped.code())
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
