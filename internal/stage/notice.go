package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"haul.example/haul"
)

// The metadata service of a machine on EC2, in its second version
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html, which also asks for a look every 5 seconds).
const (
	lookEvery   = 5 * time.Second
	lookTimeout = 2 * time.Second
	tokenPath   = "/latest/api/token"
	noticePath  = "/latest/meta-data/spot/instance-action"
	tokenHeader = "X-aws-ec2-metadata-token"
	tokenLife   = "21600" // seconds; the longest
)

// NoticeError says that the machine is about to be taken away.
type NoticeError struct {
	// Action is stop, hibernate or terminate, at Time.
	Action string
	Time   time.Time
}

// Error tells when.
func (e *NoticeError) Error() string {
	return fmt.Sprintf("Spot notice: %s at %s", e.Action, e.Time.UTC().Format(time.RFC3339))
}

// Is makes it a haul.ErrStop: parts that are nearly sent come to their end.
func (e *NoticeError) Is(target error) bool { return target == haul.ErrStop }

// watch gives a context that also ends when the machine's end is announced. The func ends the watching.
func watch(ctx context.Context, q Request) (context.Context, func()) {
	if q.Metadata == "" {
		return ctx, func() {}
	}
	watched, notice := context.WithCancelCause(ctx)
	looking, stop := context.WithCancel(ctx)
	m := &metadata{url: strings.TrimSuffix(q.Metadata, "/"), http: &http.Client{Timeout: lookTimeout, Transport: &http.Transport{Proxy: nil}}}
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		told := false
		for {
			n, err := m.look(looking)
			switch {
			case n != nil:
				notice(n)
				return
			case err != nil && !told && looking.Err() == nil:
				told = true
				q.Report.Note(fmt.Sprintf("Spot notices cannot be heard yet: %v", err))
			}
			select {
			case <-tick.C:
			case <-looking.Done():
				return
			}
		}
	})
	return watched, func() {
		stop()
		wg.Wait()
		notice(nil)
	}
}

// metadata is the service.
type metadata struct {
	url, token string
	http       *http.Client
}

// look gives the notice, or nil where there is none.
func (m *metadata) look(ctx context.Context) (*NoticeError, error) {
	old := m.token != ""
	if !old {
		code, text, err := m.ask(ctx, http.MethodPut, tokenPath, "X-aws-ec2-metadata-token-ttl-seconds", tokenLife)
		if err != nil || code != http.StatusOK {
			return nil, errors.Join(err, fmt.Errorf("no token from %s: code %d", m.url, code))
		}
		m.token = string(text)
	}
	code, text, err := m.ask(ctx, http.MethodGet, noticePath, tokenHeader, m.token)
	switch {
	case err != nil:
		return nil, err
	case code == http.StatusUnauthorized && old: // the token's time is over
		m.token = ""
		return m.look(ctx)
	case code != http.StatusOK:
		return nil, nil
	}
	var n NoticeError
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("notice of %s: %w", m.url, err)
	}
	return &n, nil
}

func (m *metadata) ask(ctx context.Context, method, path, header, value string) (code int, text []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, m.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set(header, value)
	resp, err := m.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close() // only read from
	text, err = io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, text, err
}
