package cli

import (
	"context"

	"haul.example/haul"
)

// client connects, and gives a client that tells the screen of what happens.
func (a *app) client(ctx context.Context) (*haul.Client, error) {
	st, err := a.connect.open(ctx)
	if err != nil {
		return nil, err
	}
	return haul.New(st, haul.Options{Observe: a.screen(false).Observe}), nil
}
