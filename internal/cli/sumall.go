package cli

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

// runSum tells of each, in their order, and sums as many at once as there are cores. One that fails does not keep the others from
// it.
func (a *app) runSum(ctx context.Context, r sumRequest) error {
	screen := a.screen(false)
	var c *haul.Client
	if slices.ContainsFunc(r.from, func(w sumWord) bool { return w.kind == remote }) {
		st, err := a.connect.open(ctx)
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
				sums, err := a.sumOne(ctx, c, word, r)
				one <- answer{sums, err}
				return nil
			})
		}
		_ = g.Wait() // the errors are in the answers
	})
	var failed severalError
	for one := range answers {
		got := <-one
		if got.err != nil {
			failed.add(got.err)
			continue
		}
		if err := tellSums(screen, got.sums, r.plain); err != nil {
			failed.add(err)
		}
	}
	return failed.orNil()
}

// tellSums tells of one. A line as md5sum has it is not written for bytes that differ from what the store vouches for.
func tellSums(screen *ui.Screen, sums ui.Sums, plain bool) (err error) {
	if slices.ContainsFunc(sums.Store, func(s ui.StoreSum) bool { return !s.Agrees && s.Why == "" }) {
		err = fmt.Errorf("%s: %w", sums.Name, haul.ErrMismatch)
	}
	switch {
	case !plain:
		screen.Sums(sums)
	case err == nil:
		for _, s := range sums.Store {
			if !s.Agrees && s.Why == notMD5 {
				screen.Note(fmt.Sprintf("%s: the store has etag %s: %s", sums.Name, s.Sum.Hex(), s.Why))
			}
		}
		err = screen.Page(func(w io.Writer) error {
			_, err := io.WriteString(w, proof.DigestLine(sums.Full[0].Hex(), sums.Name))
			return err
		})
	}
	return err
}

// each gives what is to be summed: what is named, and what is in folders and below prefixes, in order of the keys.
func (r sumRequest) each(ctx context.Context, c *haul.Client) iter.Seq[sumWord] {
	return func(yield func(sumWord) bool) {
		for _, word := range r.from {
			if word.kind == remote && !word.tree && word.why == nil {
				word.tree = isPrefix(ctx, c, word.ref, &r.attrs)
			}
			if !word.tree {
				if !yield(word) {
					return
				}
				continue
			}
			for e, err := range mirror.Entries(ctx, c, word.end(), mirror.Options{NoFamilies: true, Transfer: mirror.TransferOptions{Attrs: r.attrs}}) {
				one := sumWord{location: location{kind: word.kind, text: e.Path, ref: e.Object.Ref}, why: err}
				if err == nil && e.Why != nil {
					one.why = fmt.Errorf("%s: %w", e.Path, e.Why)
				}
				if !yield(one) {
					return
				}
			}
		}
	}
}

// isPrefix reports whether there is no object of that name, but others below it.
func isPrefix(ctx context.Context, c *haul.Client, ref store.Ref, attrs *store.Attrs) bool {
	if _, err := c.Store().Head(ctx, store.GetRequest{Ref: ref, Attrs: attrs}); ref.Version != "" || !errors.Is(err, store.NotFound) {
		return false
	}
	for _, err := range c.List(ctx, ref.Bucket, folderKey(ref.Key), attrs) {
		return err == nil
	}
	return false
}

// mostErrors are told one by one.
const mostErrors = 20

// severalError is what failed of many; the exit code is that of the first.
type severalError struct {
	first error
	texts []string
	n     int
}

func (e *severalError) add(err error) {
	if e.n++; e.n == 1 {
		e.first = err
	}
	if e.n <= mostErrors {
		e.texts = append(e.texts, ui.Reason(err))
	}
}

func (e *severalError) orNil() error {
	if e.n < 2 {
		return e.first
	}
	return e
}

// Error names each, as far as they are not too many.
func (e *severalError) Error() string {
	if e.n > mostErrors {
		return strings.Join(e.texts, "; ") + fmt.Sprintf("; and %d more", e.n-mostErrors)
	}
	return strings.Join(e.texts, "; ")
}

// Unwrap gives the first.
func (e *severalError) Unwrap() error { return e.first }
