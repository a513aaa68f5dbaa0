package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/mirror"
	"haul.example/haul/proof"
	"haul.example/haul/store"
)

// Sum runs r. It prints the sources in their order, and reads as many at once as there are cores. One that fails does not stop the
// others.
func (s *Session) Sum(ctx context.Context, r SumRequest) error {
	screen := s.Screen()
	var c *haul.Client
	if slices.ContainsFunc(r.From, func(w SumSource) bool { return w.Kind == Remote }) {
		st, err := s.Connection.open(ctx)
		if err != nil {
			return err
		}
		c = haul.New(st, haul.Options{Observe: func(e haul.Event) {
			if e.Kind != haul.EventStart { // what is read goes nowhere
				screen.Observe(e)
			}
		}})
	}
	type answer struct {
		sums ui.Sums
		err  error
	}
	cores := runtime.GOMAXPROCS(0)
	answers := make(chan chan answer, 4*cores)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		defer close(answers)
		var g errgroup.Group
		g.SetLimit(cores)
		for word := range r.each(ctx, c) {
			one := make(chan answer, 1)
			answers <- one
			g.Go(func() error {
				sums, err := s.sumOne(ctx, c, word, r)
				one <- answer{sums, err}
				return nil
			})
		}
		_ = g.Wait() // the errors are in the answers
	})
	var failed joinedError
	for one := range answers {
		got := <-one
		if got.err != nil {
			failed.add(got.err)
			continue
		}
		if err := printSums(screen, got.sums, r.Plain); err != nil {
			failed.add(err)
		}
	}
	return failed.orNil()
}

// printSums prints one. A line of md5sum is not printed for bytes that differ from what the store recorded.
func printSums(screen *ui.Screen, sums ui.Sums, plain bool) (err error) {
	if slices.ContainsFunc(sums.Store, func(s ui.StoreSum) bool { return !s.Agrees && s.Why == "" }) {
		err = fmt.Errorf("%s: %w", sums.Name, haul.ErrMismatch)
	}
	switch {
	case !plain:
		screen.Sums(sums)
	case err == nil:
		for _, s := range sums.Store {
			if !s.Agrees && s.Why == notMD5 {
				screen.Note(fmt.Sprintf("%s: the server has etag %s: %s", sums.Name, s.Sum.Hex(), s.Why))
			}
		}
		err = screen.Page(func(w io.Writer) error {
			_, err := io.WriteString(w, proof.DigestLine(sums.Full[0].Hex(), sums.Name))
			return err
		})
	}
	return err
}

// each yields what to read: what is named, and what is in folders and below prefixes, in the order of the keys.
func (r SumRequest) each(ctx context.Context, c *haul.Client) iter.Seq[SumSource] {
	return func(yield func(SumSource) bool) {
		for _, word := range r.From {
			if word.Kind == Remote && !word.Tree && word.Err == nil {
				word.Tree = isFolderOnly(ctx, c, word.Ref, &r.Attrs)
			}
			if !word.Tree {
				if !yield(word) {
					return
				}
				continue
			}
			for e, err := range mirror.Entries(ctx, c, word.End(), mirror.Options{NoFamilies: true, Transfer: mirror.TransferOptions{Attrs: r.Attrs}}) {
				one := SumSource{Location: Location{Kind: word.Kind, Text: e.Path, Ref: e.Object.Ref}, Err: err}
				if err == nil && e.Why != nil {
					one.Err = fmt.Errorf("%s: %w", e.Path, e.Why)
				}
				if !yield(one) {
					return
				}
			}
		}
	}
}

// isFolderOnly reports whether there is no object of that name, but others below it.
func isFolderOnly(ctx context.Context, c *haul.Client, ref store.Ref, attrs *store.Attrs) bool {
	if _, err := c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: attrs}); ref.Version != "" || !errors.Is(err, store.NotFound) {
		return false
	}
	for _, err := range c.List(ctx, ref.Bucket, FolderKey(ref.Key), attrs) {
		return err == nil
	}
	return false
}

// mostErrors are named one by one.
const mostErrors = 20

// joinedError has the errors of many sources; the exit code is that of the first.
type joinedError struct {
	first error
	texts []string
	n     int
}

func (e *joinedError) add(err error) {
	if e.n++; e.n == 1 {
		e.first = err
	}
	if e.n <= mostErrors {
		e.texts = append(e.texts, ui.Reason(err))
	}
}

func (e *joinedError) orNil() error {
	if e.n < 2 {
		return e.first
	}
	return e
}

// Error names each, up to mostErrors.
func (e *joinedError) Error() string {
	if e.n > mostErrors {
		return strings.Join(e.texts, "; ") + fmt.Sprintf("; and %d more", e.n-mostErrors)
	}
	return strings.Join(e.texts, "; ")
}

// Unwrap returns the first.
func (e *joinedError) Unwrap() error { return e.first }
