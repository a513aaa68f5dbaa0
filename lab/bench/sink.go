package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/bench/nullstore"
	"haul.example/haul/lab/endpoint"
)

// sink is an endpoint that runs as a process of its own.
type sink struct {
	HTTP    string `json:"http"`
	HTTPS   string `json:"https"`
	Control string `json:"control"`
	CA      string `json:"ca"`

	stdin io.Closer
	cmd   *exec.Cmd
}

// startSink starts an endpoint on the core for servers.
func (b *bench) startSink(name string, args ...string) (*sink, error) {
	ca := filepath.Join(b.dir, name+"-ca.pem")
	cmd := exec.Command(filepath.Join(b.dir, "sink"), append([]string{"-dir", b.dir, "-ca", ca}, args...)...)
	cmd.Env = endpoint.Bare(b.home)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe() // the endpoint ends when this does
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(cmd, b.serverCore); err != nil {
		return nil, err
	}
	s := &sink{stdin: stdin, cmd: cmd}
	if err := json.NewDecoder(stdout).Decode(s); err != nil {
		_ = s.stop()
		return nil, fmt.Errorf("start the endpoint: %w", err)
	}
	return s, nil
}

func (s *sink) stop() error {
	_ = s.stdin.Close()
	return s.cmd.Wait()
}

// at gives what a client must know of it.
func (s *sink) at(secure bool) endpoint.Endpoint {
	e := endpoint.Endpoint{URL: s.HTTP, AccessKey: "bench", SecretKey: "bench-secret-key"}
	if secure {
		e.URL, e.CA = s.HTTPS, s.CA
	}
	return e
}

// reset counts from zero.
func (s *sink) reset(ctx context.Context) error { return s.ask(ctx, "POST", "/reset", nil, nil) }

func (s *sink) shape(ctx context.Context, shape nullstore.Shape) error {
	return s.ask(ctx, "POST", "/shape", shape, nil)
}

func (s *sink) stats(ctx context.Context) (out nullstore.Stats, err error) {
	return out, s.ask(ctx, "GET", "/stats", nil, &out)
}

func (s *sink) objects(ctx context.Context) (out []nullstore.Object, err error) {
	return out, s.ask(ctx, "GET", "/objects", nil, &out)
}

// sumOf gives the CRC64NVME of an object.
func (s *sink) sumOf(ctx context.Context, key string) (checksum.Sum, error) {
	a, err := s.object(ctx, "HEAD", key)
	if err != nil {
		return checksum.Sum{}, err
	}
	return checksum.FromBase64(checksum.CRC64NVME, a.Header.Get("x-amz-checksum-crc64nvme"))
}

// fetch writes an object's bytes.
func (s *sink) fetch(ctx context.Context, key string, w io.Writer) error {
	a, err := s.object(ctx, "GET", key)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, a.Body)
	return errors.Join(err, a.Body.Close())
}

func (s *sink) object(ctx context.Context, method, key string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.HTTP+"/"+bucket+"/"+key, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("x-amz-checksum-mode", "ENABLED")
	a, err := http.DefaultClient.Do(r)
	if err == nil && a.StatusCode != http.StatusOK {
		err = errors.Join(fmt.Errorf("the endpoint says of %s: %s", key, a.Status), a.Body.Close())
	}
	return a, err
}

func (s *sink) ask(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.Control+path, &body)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(a.Body, 1024))
		return fmt.Errorf("the endpoint says of %s: %s", path, strings.TrimSpace(string(text)))
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(a.Body).Decode(out)
}
