package haul

import "time"

// moved waits until the bandwidth limit allows n bytes of an object that this side has just read from or is about to write to the
// network, or done is closed, and counts them. All bytes of objects go through it.
func (c *Client) moved(n int, done <-chan struct{}) {
	if wait := c.dispatch.Spend(n); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-done:
		}
	}
	c.meter.Moved(int64(n))
}
