package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"haul.example/haul/lab/endpoint"
)

const bucket = "bench"

// job is what a tool is to do.
type job struct {
	up     bool
	secure bool
	size   int64
	many   int    // 0: one object; else so many of size bytes
	local  string // the file, or the folder
	key    string // the key, or the prefix, which ends in "/"
	lanes  int    // for haul's --concurrency; 0 leaves it to haul
}

// tool is a program that moves objects.
type tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Kind    kind   `json:"kind"`

	path string
	// line gives the command line for a job, and what it needs in its environment beside the endpoint's. An error says what it cannot do.
	line func(t *tool, j job, e endpoint.Endpoint) (args, env []string, err error)
	// versionArgs make it tell its version.
	versionArgs []string
}

type kind string

const (
	subject kind = "haul"
	peer    kind = "peer"
	floor   kind = "floor"
)

var errCannot = errors.New("cannot do that")

// findTools gives haul, the floors, and the peers that are there.
func (b *bench) findTools(ctx context.Context) ([]*tool, error) {
	all := []*tool{
		{Name: "haul", Kind: subject, path: b.haul, line: haulLine, versionArgs: []string{"--version"}},
		{Name: "floor-go", Kind: floor, path: filepath.Join(b.dir, "floor"), line: floorLine},
		{Name: "floor-c", Kind: floor, path: b.compileC(ctx), line: cFloorLine},
		{Name: "mc", Kind: peer, line: mcLine, versionArgs: []string{"--version"}},
		{Name: "s5cmd", Kind: peer, line: s5cmdLine, versionArgs: []string{"version"}},
		{Name: "rclone", Kind: peer, line: rcloneLine, versionArgs: []string{"version"}},
		{Name: "aws", Kind: peer, line: awsLine, versionArgs: []string{"--version"}},
	}
	known := map[string]bool{}
	var found []*tool
	for _, t := range all {
		known[t.Name] = true
		if b.only != "" && !contains(b.only, t.Name) {
			continue
		}
		if p := b.paths[t.Name]; p != "" {
			t.path = p
		}
		if t.path == "" && t.Kind == peer {
			t.path = t.Name
		}
		path, err := exec.LookPath(t.path)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err == nil {
			t.path = path
			t.Version, err = b.versionOf(ctx, t)
		}
		switch {
		case err == nil:
			found = append(found, t)
		case t.Kind == subject || b.paths[t.Name] != "":
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		default:
			b.say("%s is not here: it is left out", t.Name)
		}
	}
	for name := range b.paths {
		if !known[name] {
			return nil, fmt.Errorf("-tool %s: there is no tool of that name", name)
		}
	}
	return found, nil
}

func contains(list, name string) bool {
	for word := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(word) == name {
			return true
		}
	}
	return false
}

// versionOf gives the first line that a tool says of itself, and the version of its Go module where it has one.
func (b *bench) versionOf(ctx context.Context, t *tool) (string, error) {
	if t.versionArgs == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, t.versionArgs...)
	cmd.Env = endpoint.Bare(b.home)
	out, err := cmd.CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, line)
	}
	if info, err := buildinfo.ReadFile(t.path); err == nil && strings.HasPrefix(info.Main.Version, "v") {
		line += ", " + info.Main.Path + "@" + info.Main.Version // what was installed as a module often does not know its version
	}
	return line, nil
}

// run runs a tool once.
func (b *bench) run(ctx context.Context, t *tool, j job, s *sink) (Sample, error) {
	e := s.at(j.secure)
	args, extra, err := t.line(t, j, e)
	if err != nil {
		return Sample{}, err
	}
	if err := s.reset(ctx); err != nil {
		return Sample{}, err
	}
	out, err := b.spend(ctx, b.limit, append([]string{t.path}, args...), append(e.Env(b.home), extra...))
	if errors.Is(err, context.Canceled) {
		return out, err
	}
	stats, failed := s.stats(context.WithoutCancel(ctx))
	out.Stats = stats
	return out, errors.Join(err, failed)
}

func (j job) address() string { return "s3://" + bucket + "/" + j.key }

func haulLine(t *tool, j job, _ endpoint.Endpoint) ([]string, []string, error) {
	args := []string{"cp"}
	if j.lanes > 0 {
		args = append(args, "--concurrency", strconv.Itoa(j.lanes))
	}
	if j.many > 0 {
		help, err := exec.Command(t.path, "cp", "--help").Output()
		if err != nil || !strings.Contains(string(help), "--recursive") {
			return nil, nil, fmt.Errorf("haul has no cp --recursive: %w", errCannot)
		}
		args = append(args, "--recursive")
	}
	if j.up {
		return append(args, j.local, j.address()), nil, nil
	}
	return append(args, j.address(), j.local), nil, nil
}

func mcLine(_ *tool, j job, e endpoint.Endpoint) ([]string, []string, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, nil, err
	}
	u.User = url.UserPassword(e.AccessKey, e.SecretKey)
	env := []string{"MC_HOST_bench=" + u.String()}
	if e.CA != "" {
		env = append(env, "SSL_CERT_FILE="+e.CA)
	}
	remote, local := "bench/"+bucket+"/"+j.key, j.local
	args := []string{"cp", "--quiet"}
	if j.many > 0 {
		args, local = append(args, "--recursive"), local+"/"
	}
	if j.up {
		return append(args, local, remote), env, nil
	}
	return append(args, remote, local), env, nil
}

func s5cmdLine(_ *tool, j job, e endpoint.Endpoint) ([]string, []string, error) {
	args := []string{"--endpoint-url", e.URL, "cp"}
	switch {
	case j.many > 0 && j.up:
		return append(args, j.local+"/*", j.address()), nil, nil
	case j.many > 0:
		return append(args, j.address()+"*", j.local+"/"), nil, nil
	case j.up:
		return append(args, j.local, j.address()), nil, nil
	}
	return append(args, j.address(), j.local), nil, nil
}

func rcloneLine(_ *tool, j job, e endpoint.Endpoint) ([]string, []string, error) {
	env := []string{"RCLONE_CONFIG=" + os.DevNull, "RCLONE_CONFIG_BENCH_TYPE=s3", "RCLONE_CONFIG_BENCH_PROVIDER=Other",
		"RCLONE_CONFIG_BENCH_ENV_AUTH=true", "RCLONE_CONFIG_BENCH_REGION=us-east-1", "RCLONE_CONFIG_BENCH_ENDPOINT=" + e.URL}
	if e.CA != "" {
		env = append(env, "RCLONE_CA_CERT="+e.CA, "AWS_CA_BUNDLE=") // its S3 library and its own client cannot both have one
	}
	remote := "bench:" + bucket + "/" + j.key
	verb := "copyto"
	if j.many > 0 {
		verb = "copy"
	}
	if j.up {
		return []string{verb, j.local, remote}, env, nil
	}
	return []string{verb, remote, j.local}, env, nil
}

func awsLine(_ *tool, j job, e endpoint.Endpoint) ([]string, []string, error) {
	args := []string{"s3", "cp", "--endpoint-url", e.URL} // versions before 2.13 know no AWS_ENDPOINT_URL
	if j.many > 0 {
		args = append(args, "--recursive")
	}
	if j.up {
		return append(args, j.local, j.address()), nil, nil
	}
	return append(args, j.address(), j.local), nil, nil
}
