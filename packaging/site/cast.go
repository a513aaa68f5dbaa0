package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// A recording is a file in the form of asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/): a line of JSON about the
// whole, and a line [seconds, "o", text] for each line that was printed.

// castHead is what it says about the whole.
type castHead struct {
	Version int    `json:"version"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	Command string `json:"command"`
}

// castLine is a line of the terminal and when it came.
type castLine struct {
	at   float64 // seconds
	text string
}

// record runs a command and records its standard output, which it prints too.
func record(ctx context.Context, file string, args []string) error {
	if len(args) == 0 {
		return errors.New("-record needs a command, such as: -record FILE make -C .. demo")
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(castHead{2, castColumns, 24, strings.Join(args, " ")})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		at := float64(time.Since(began).Milliseconds()) / 1000
		err = errors.Join(err, e.Encode([]any{at, "o", lines.Text() + "\r\n"}))
		fmt.Println(lines.Text())
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

func readCast(data []byte) ([]castLine, error) {
	head, rest, _ := bytes.Cut(data, []byte("\n"))
	var h castHead
	if err := json.Unmarshal(head, &h); err != nil || h.Version != 2 {
		return nil, fmt.Errorf("not a recording of version 2: %w", err)
	}
	var lines []castLine
	for row := range bytes.Lines(rest) {
		var event [3]any
		if err := json.Unmarshal(row, &event); err != nil {
			return nil, err
		}
		at, isTime := event[0].(float64)
		text, isText := event[2].(string)
		if !isTime || !isText {
			return nil, fmt.Errorf("not an event: %s", row)
		}
		lines = append(lines, castLine{at, strings.TrimRight(text, "\r\n")})
	}
	return lines, nil
}

var chapter = regexp.MustCompile(`^(\d)\.  `)

// chapters returns the lines of some chapters, such as "1-3", with times from their start.
func chapters(all []castLine, which string) ([]castLine, error) {
	from, to, ok := strings.Cut(which, "-")
	var lines []castLine
	in := false
	for _, l := range all {
		if m := chapter.FindStringSubmatch(l.text); m != nil {
			in = m[1] >= from && m[1] <= to
		}
		if in {
			lines = append(lines, l)
		}
	}
	for len(lines) > 0 && lines[len(lines)-1].text == "" {
		lines = lines[:len(lines)-1]
	}
	if !ok || len(lines) == 0 {
		return nil, fmt.Errorf("no chapters %q", which)
	}
	return lines, nil
}

const (
	castColumns = 92
	castWidth   = castColumns*78/10 + 28 // pixels: letters are 7.8 wide
	castRow     = 19                     // pixels
	longestWait = 3.0                    // seconds
	castEnd     = 6.0                    // seconds for which the last line stands
)

// wrap breaks a line as a terminal of castColumns does, but at spaces.
func wrap(text string) []string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " |"))]
	var rows []string
	for utf8.RuneCountInString(text) > castColumns {
		at := strings.LastIndexByte(string([]rune(text)[:castColumns+1]), ' ')
		if at <= len(indent) {
			break
		}
		rows = append(rows, text[:at])
		text = indent + "  " + text[at+1:]
	}
	return append(rows, text)
}

// drawCast draws a recording as a terminal in which lines appear when they came, but no wait is longer than longestWait. Its styles are in
// style.css; those of its times are its own. Without animations, and on paper, all lines are there.
func drawCast(data []byte, which string) (string, error) {
	all, err := readCast(data)
	if err != nil {
		return "", err
	}
	lines, err := chapters(all, which)
	if err != nil {
		return "", err
	}
	var moments []float64
	now := 0.0
	for i, l := range lines {
		if i > 0 {
			now += min(l.at-lines[i-1].at, longestWait)
		}
		moments = append(moments, now+0.5)
	}
	whole := now + 0.5 + castEnd
	var style, rows, plain strings.Builder
	y, steps := 12, 0
	last := -1.0
	for i, l := range lines {
		if moments[i] > last {
			last = moments[i]
			steps++
			percent := last / whole * 100
			fmt.Fprintf(&style, "@keyframes step-%d{0%%,%.2f%%{opacity:0}%.2f%%,100%%{opacity:1}}\n.cast .step-%[1]d{animation-name:step-%[1]d}\n", steps, percent, percent+0.01)
		}
		plain.WriteString(esc(l.text) + "\n")
		for _, row := range wrap(l.text) {
			y += castRow
			fmt.Fprintf(&rows, "\n<text class=\"%s step-%d\" x=\"14\" y=\"%d\">%s</text>", castClass(l.text), steps, y, esc(row))
		}
	}
	svg := fmt.Sprintf("<svg class=\"cast\" role=\"img\" aria-label=\"A recording of the terminal; its text is below\" viewBox=\"0 0 %d %d\" width=\"%[1]d\" height=\"%[2]d\">\n"+
		"<style>\n.cast text{animation-duration:%.2[3]fs}\n%[4]s</style>\n<rect width=\"%[1]d\" height=\"%[2]d\" rx=\"6\"/>%[5]s\n</svg>", castWidth, y+20, whole, style.String(), rows.String())
	return "<input class=\"pause\" type=\"checkbox\" id=\"pause\"><label for=\"pause\">Pause the recording</label>\n" +
		figure("Recording of a terminal", "Recorded from <code>make demo</code>; waits longer than 3 s are shortened to that.", svg) +
		"<details><summary>The recording as text</summary>\n<pre><code>" + plain.String() + "</code></pre>\n</details>\n", nil
}

// castClass is the style of a line: a title, a command, output, or what the demo says.
func castClass(text string) string {
	switch body := strings.TrimLeft(text, " "); {
	case chapter.MatchString(text):
		return "title"
	case strings.HasPrefix(body, "$ "):
		return "command"
	case strings.HasPrefix(body, "| "):
		return "output"
	}
	return "remark"
}
