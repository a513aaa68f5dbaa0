package s5cli

import (
	"context"
	"errors"
	"iter"

	"haul.example/haul/internal/s5line"
)

func (j *job) foundVersions(ctx context.Context, c *connection, u s5line.URL) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) { yield(found{}, errors.New("not yet")) }
}

func (j *job) removeVersions(ctx context.Context, c *connection, sources []s5line.URL) error {
	return errors.New("not yet")
}

func (j *job) versioning(ctx context.Context) error { return errors.New("not yet") }
