package array

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"haul.example/haul/proof"
)

// Progress is the progress of a shard.
type Progress struct {
	Plan    string    `json:"plan"`
	Shard   int       `json:"shard"`
	Host    string    `json:"host,omitempty"`
	PID     int       `json:"pid"`
	Runs    int       `json:"runs"` // how often the shard was started
	Began   time.Time `json:"began"`
	Updated time.Time `json:"updated"`
	// Done and Failed count tasks, Bytes are those of Done.
	Done   int   `json:"done"`
	Failed int   `json:"failed"`
	Bytes  int64 `json:"bytes"`
	Ended  bool  `json:"ended,omitempty"`
	// Uploads are those that this run has opened for whole objects and not completed; Left are those of earlier runs.
	Uploads []openUpload `json:"uploads,omitempty"`
	Left    []openUpload `json:"left,omitempty"`
}

// readProgress returns the progress of a shard; zero if it was never started. If a power cut damaged its file, it is only known to have
// been started.
func readProgress(ctx context.Context, d *PlanDir, h Header, shard int) (Progress, error) {
	var p Progress
	err := d.readJSON(ctx, shardName(progressName, shard), &p)
	switch {
	case errors.Is(err, errDamaged):
		p = Progress{Plan: h.ID, Runs: 1}
	case errors.Is(err, fs.ErrNotExist), err == nil && p.Plan != h.ID:
		return Progress{}, nil
	case err != nil:
		return Progress{}, fmt.Errorf("read the progress of %s: %w", shardWord(shard), err)
	}
	p.Shard = shard
	return p, nil
}

// openUpload is an upload to the target's bucket.
type openUpload struct {
	Key name   `json:"key"`
	ID  string `json:"id"`
}

// outcome is one line of the results of a shard: the result of a task. The first line has Plan, and the last Ended.
type outcome struct {
	Plan string `json:"plan,omitempty"`

	N      int           `json:"n"` // of the task, from 0
	Record *proof.Record `json:"record,omitempty"`
	// Parts of a range; none if the whole object was already complete.
	Parts  []proof.Part `json:"parts,omitempty"`
	Range  bool         `json:"range,omitempty"`
	Source string       `json:"source,omitempty"` // of what failed
	Error  string       `json:"error,omitempty"`

	Ended *ended `json:"ended,omitempty"`
}

// ended is the end of the results of a shard.
type ended struct {
	Progress
	Seconds float64 `json:"seconds"`
	Moved   int64   `json:"moved"`
	Kept    int64   `json:"kept"`
	Retries int     `json:"retries"`
	// Stopped is why the shard ended before everything was tried; empty if everything was.
	Stopped string `json:"stopped,omitempty"`
}

// eachOutcome reads the results of a shard after the first line, with the offset of each in the file, and returns how they end. It is
// errOther if they are of another plan.
func eachOutcome(ctx context.Context, d *PlanDir, h Header, shard int, do func(offset int64, o outcome) error) (ended, error) {
	var end *ended
	first := true
	err := d.eachLine(ctx, shardName(resultsName, shard), func(offset int64, line []byte) error {
		var o outcome
		if err := json.Unmarshal(line, &o); err != nil {
			return err
		}
		switch {
		case first && o.Plan != h.ID:
			return errOther
		case first:
			first = false
			return nil
		case o.Ended != nil:
			end = o.Ended
			return nil
		}
		return do(offset, o)
	})
	if err == nil && end == nil {
		err = errors.New("the results have no end")
	}
	if err != nil {
		return ended{}, err
	}
	return *end, nil
}

var errOther = errors.New("these are results of another plan")
