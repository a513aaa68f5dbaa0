package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"haul.example/haul/lab/endpoint"
)

//go:embed cfloor/floor.c
var cSource []byte

// compileC compiles the floor in C, and gives its path; or a name that is nowhere.
func (b *bench) compileC(ctx context.Context) string {
	const nowhere = "floor-c"
	cc, err := exec.LookPath("cc")
	if err != nil {
		return nowhere
	}
	source, program := filepath.Join(b.dir, "floor.c"), filepath.Join(b.dir, "floor-c")
	if err := os.WriteFile(source, cSource, 0o600); err != nil {
		return nowhere
	}
	if out, err := exec.CommandContext(ctx, cc, "-O2", "-pthread", "-o", program, source).CombinedOutput(); err != nil {
		b.say("the floor in C does not compile here: %s", out)
		return nowhere
	}
	return program
}

const (
	floorPart        = 8 << 20
	floorConnections = 4
)

// floorKey is where the floors send to: parts are objects of their own, and so are small objects.
func floorKey(j job) string {
	if j.up && j.many == 0 {
		return "/" + bucket + "/" + j.key + "."
	}
	return "/" + bucket + "/" + j.key
}

func floorLine(_ *tool, j job, e endpoint.Endpoint) ([]string, []string, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, nil, err
	}
	verb := "receive"
	if j.up {
		verb = "send"
	}
	return []string{"-addr", u.Host, "-ca", e.CA, "-path", floorKey(j), "-local", j.local, "-size", strconv.FormatInt(j.size, 10),
		"-part", strconv.Itoa(floorPart), "-connections", strconv.Itoa(floorConnections), "-count", strconv.Itoa(j.many), verb}, nil, nil
}

func cFloorLine(_ *tool, j job, e endpoint.Endpoint) ([]string, []string, error) {
	if j.secure || j.many > 0 {
		return nil, nil, fmt.Errorf("the floor in C moves one object over HTTP: %w", errCannot)
	}
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, nil, err
	}
	verb := "receive"
	if j.up {
		verb = "send"
	}
	return []string{verb, u.Port(), floorKey(j), j.local, strconv.FormatInt(j.size, 10),
		strconv.Itoa(floorPart), strconv.Itoa(floorConnections)}, nil, nil
}
