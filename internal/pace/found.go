package pace

// Found reports how far the search for the number of lanes is.
type Found struct {
	// Done: more lanes were tried and brought no more, or there was no work for them.
	Done bool
	// Highest: there are as many as there may be.
	Highest bool
	// Alone is the rate of a lane that need not share the link, in bytes a second, as far as it is known; 0 is not at all.
	Alone float64
}

// Found reports how far the search is. Where the number is fixed, nothing is known.
func (p *Pace) Found() Found {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.climb
	if p.fixed {
		return Found{}
	}
	f := Found{Done: c.phase != starting || p.reach.limit > 0, Highest: c.lanes >= c.max, Alone: c.quick.best}
	if len(c.rates) > 0 && f.Alone > 0 {
		f.Alone = c.alone()
	}
	return f
}
