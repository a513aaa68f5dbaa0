package nullstore

import (
	"errors"
	"strconv"
	"time"
)

// give sends an answer with bytes of an object.
func (c *conn) give(h *head, a answer, content Content, offset, n int64) (keep bool, err error) {
	f := c.g.draw()
	c.count(f)
	keep = !h.is("connection", "close")
	c.pause(time.Duration(c.g.FirstByteMS * float64(time.Millisecond)))
	c.begin(a.status, a.fields)
	c.field("Content-Length", strconv.FormatInt(n, 10))
	if !keep {
		c.field("Connection", "close")
	}
	c.out = append(c.out, "\r\n"...)
	pace := c.g.pacer(f, c.g.out)
	if f == sound && pace == nil && n <= 64<<10 {
		return keep, c.giveAtOnce(content, offset, n)
	}
	if _, err := c.c.Write(c.out); err != nil {
		return false, err
	}
	half := n / 2
	for done := int64(0); done < n; {
		take := min(pace.slice(n-done), dropSize)
		if f != sound && done <= half {
			if done == half {
				if err := c.harm(f); err != nil {
					return false, err
				}
			} else {
				take = min(take, half-done)
			}
		}
		c.pause(pace.due(take))
		if f == corrupt && done == half {
			take = 1
			err = c.giveWrong(content, offset+done)
		} else {
			take, err = c.giveRun(content, offset+done, take)
		}
		if err != nil {
			return false, err
		}
		c.s.stats.out.Add(take)
		done += take
	}
	return keep, c.flush()
}

func (c *conn) count(f fault) {
	if f != sound {
		c.s.stats.faults[f].Add(1)
	}
}

// giveAtOnce sends head and bytes together.
func (c *conn) giveAtOnce(content Content, offset, n int64) error {
	for done := int64(0); done < n; {
		at, run := content.span(offset+done, n-done)
		c.out = append(c.out, content.p.data[at:at+run]...)
		done += run
	}
	c.s.stats.out.Add(n)
	return c.write()
}

// giveRun sends up to n bytes, as many as lie together.
func (c *conn) giveRun(content Content, offset, n int64) (int64, error) {
	at, run := content.span(offset, n)
	if c.wide == nil {
		return run, sendFile(c.raw, content.p, at, run)
	}
	_, err := c.c.Write(content.p.data[at : at+run])
	return run, err
}

// giveWrong sends one byte with a bit flipped.
func (c *conn) giveWrong(content Content, offset int64) error {
	at, _ := content.span(offset, 1)
	_, err := c.c.Write([]byte{content.p.data[at] ^ 1})
	return errors.Join(err, c.flush())
}
