package s3

import (
	"context"

	"haul/store"
)

func (s *Store) Layout(ctx context.Context, o store.Object, a *store.Attrs) ([]store.Part, error) {
	panic("todo")
}
