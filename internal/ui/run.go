package ui

import "haul.example/haul/internal/stage"

// Run reports to programs what a run did; people saw it as it happened.
func (s *Screen) Run(r stage.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		s.json(record{Event: "run", Run: &r})
	}
}
