package command

import (
	"context"
	"errors"
	"fmt"

	"haul.example/haul"
	"haul.example/haul/internal/amount"
	"haul.example/haul/internal/array"
	"haul.example/haul/mirror"
)

// PlanArray splits a transfer into the shards of a plan.
func (s *Session) PlanArray(ctx context.Context, r array.Request, at Location) (err error) {
	b, err := s.openArray(ctx, at, haul.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	screen, plan := s.Screen(), at.Text
	r.Options.Observe = func(e mirror.Event) {
		if e.Kind != mirror.Planned { // these are many, and stand in the plan
			s.observeArray(e)
		}
	}
	var h array.Header
	task := arrayTask("plan", r.From.String(), r.To.String(), planName(plan))
	err = screen.During(task, b.client, func() (err error) {
		h, err = array.Make(ctx, b.client, b.plan, r)
		return err
	})
	if h.ID != "" {
		s.result(planText(h))
		screen.Note("to carry it out: " + s.arrayLine("submit", "--slurm", plan) + "; or in each task: " + s.arrayLine("work", plan) +
			"; and at the end: " + s.arrayLine("finish", plan))
	}
	if part := new(mirror.IncompleteError); errors.As(err, &part) {
		return fmt.Errorf("%w; listed above; they are not in the plan", err)
	}
	return err
}

// result prints a line of an answer; with --json, as a note.
func (s *Session) result(text string) {
	if s.JSON {
		s.Screen().Note(text)
		return
	}
	s.Screen().Result(text)
}

// planText describes a plan in one line.
func planText(h array.Header) string {
	least, most := h.Shards[0], h.Shards[0]
	for _, s := range h.Shards {
		least.Bytes, most.Bytes = min(least.Bytes, s.Bytes), max(most.Bytes, s.Bytes)
		least.Objects, most.Objects = min(least.Objects, s.Objects), max(most.Objects, s.Objects)
	}
	text := fmt.Sprintf("planned %s, %s, in %s of %d to %d objects and %s to %s", counted(h.Objects, "object"), amount.Bytes(h.Bytes),
		counted(len(h.Shards), "shard"), least.Objects, most.Objects, amount.Bytes(least.Bytes), amount.Bytes(most.Bytes))
	if h.Shared > 0 {
		text += fmt.Sprintf("; split among shards: %d", h.Shared)
	}
	if last := h.Manifests.Objects + h.Markers.Objects; last > 0 {
		text += fmt.Sprintf("; manifests and markers, for haul array finish: %d", last)
	}
	return text
}

// counted returns a number of things, in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
