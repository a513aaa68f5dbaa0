package ui

import "haul.example/haul/internal/stage"

// Run tells programs what a run did; people were told on the way.
func (s *Screen) Run(r stage.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.JSON {
		s.json(record{Event: "run", Run: &r})
	}
}
