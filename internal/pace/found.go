package pace

// Found is how far the search for the number of lanes has come.
type Found struct {
	// Done: more lanes were tried without a gain, or there was no work for them.
	Done bool
	// Highest: the maximum number is open.
	Highest bool
	// Alone is the rate of a lane that need not share the link, in bytes per second, as far as it is known; 0 is unknown.
	Alone float64
}

// Found reports how far the search has come. If the number is fixed, nothing is known.
func (p *Pace) Found() Found {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &p.ramp
	if p.fixed {
		return Found{}
	}
	f := Found{Done: c.phase != starting || p.reach.limit > 0, Highest: c.lanes >= c.max, Alone: c.quick.best}
	if len(c.rates) > 0 && f.Alone > 0 {
		f.Alone = c.alone()
	}
	return f
}
