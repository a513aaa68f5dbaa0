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
// (docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html, which also recommends a check every 5 seconds).
const (
	noticePoll    = 5 * time.Second
	noticeTimeout = 2 * time.Second
	tokenPath     = "/latest/api/token"
	noticePath    = "/latest/meta-data/spot/instance-action"
	tokenHeader   = "X-aws-ec2-metadata-token"
	tokenLife     = "21600" // seconds; the longest
)

// NoticeError reports that the Spot instance is about to be interrupted.
type NoticeError struct {
	// Action is stop, hibernate or terminate, at Time.
	Action string
	Time   time.Time
}

// Error has the action and the time.
func (e *NoticeError) Error() string {
	return fmt.Sprintf("Spot notice: %s at %s", e.Action, e.Time.UTC().Format(time.RFC3339))
}

// Is makes it a haul.ErrStop: parts that are nearly sent are completed.
func (e *NoticeError) Is(target error) bool { return target == haul.ErrStop }

// watch returns a context that also ends when a Spot notice comes. The func stops the watch.
func watch(ctx context.Context, q Request) (context.Context, func()) {
	if q.Metadata == "" {
		return ctx, func() {}
	}
	watched, notice := context.WithCancelCause(ctx)
	polling, stop := context.WithCancel(ctx)
	m := &metadata{url: strings.TrimSuffix(q.Metadata, "/"), http: &http.Client{Timeout: noticeTimeout, Transport: &http.Transport{Proxy: nil}}}
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(noticePoll)
		defer tick.Stop()
		reported := false
		for {
			n, err := m.notice(polling)
			switch {
			case n != nil:
				notice(n)
				return
			case err != nil && !reported && polling.Err() == nil:
				reported = true
				q.Report.Note(fmt.Sprintf("Spot notices cannot be read yet: %v", err))
			}
			select {
			case <-tick.C:
			case <-polling.Done():
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

// notice returns the notice, or nil if there is none.
func (m *metadata) notice(ctx context.Context) (*NoticeError, error) {
	old := m.token != ""
	if !old {
		code, text, err := m.request(ctx, http.MethodPut, tokenPath, "X-aws-ec2-metadata-token-ttl-seconds", tokenLife)
		if err != nil || code != http.StatusOK {
			return nil, errors.Join(err, fmt.Errorf("no token from %s: code %d", m.url, code))
		}
		m.token = string(text)
	}
	code, text, err := m.request(ctx, http.MethodGet, noticePath, tokenHeader, m.token)
	switch {
	case err != nil:
		return nil, err
	case code == http.StatusUnauthorized && old: // the token has expired
		m.token = ""
		return m.notice(ctx)
	case code != http.StatusOK:
		return nil, nil
	}
	var n NoticeError
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("notice of %s: %w", m.url, err)
	}
	return &n, nil
}

func (m *metadata) request(ctx context.Context, method, path, header, value string) (code int, text []byte, err error) {
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
