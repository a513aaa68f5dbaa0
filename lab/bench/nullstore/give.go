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
		at, run := content.span(offset+done, take)
		wrong := f == corrupt && done == half
		if wrong {
			run = 1
		}
		c.pause(pace.due(run))
		if wrong {
			err = c.giveWrong(content.p.data[at])
		} else {
			err = c.giveRun(content.p, at, run)
		}
		if err == nil && pace != nil {
			err = c.flush()
		}
		if err != nil {
			return false, err
		}
		c.s.stats.out.Add(run)
		done += run
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

// giveRun sends n bytes of the pattern.
func (c *conn) giveRun(p *Pattern, at, n int64) error {
	if c.wide == nil {
		return sendFile(c.raw, p, at, n)
	}
	_, err := c.c.Write(p.data[at : at+n])
	return err
}

// giveWrong sends a byte with a bit flipped.
func (c *conn) giveWrong(b byte) error {
	_, err := c.c.Write([]byte{b ^ 1})
	return errors.Join(err, c.flush())
}
