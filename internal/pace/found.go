package pace

// Found tells how far the search for the number of lanes is. Done: more lanes were tried and brought no more, or there was
// no work for them. Highest: there are as many as there may be.
func (p *Pace) Found() (done, highest bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.climb.phase != starting, !p.fixed && p.climb.lanes >= p.climb.max
}
