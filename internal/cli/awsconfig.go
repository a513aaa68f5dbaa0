package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// awsSettings are those of the s3 section of a profile that mean something here. Zero is not set.
type awsSettings struct {
	concurrency         int
	threshold, partSize int64 // bytes
	bandwidth           int64 // bytes a second
	addressing          string
	accelerate          bool
	dualStack           bool
	signPayload         bool
	// bad is what cannot be; only transfers look at it.
	bad error
}

// readAWSSettings reads the s3 section of a profile; an empty one is the default. A profile that is nowhere is an error.
func readAWSSettings(profile string) (awsSettings, error) {
	name := profile
	if name == "" {
		name = "default"
	}
	config, there, err := readAWSFile("AWS_CONFIG_FILE", "config", func(section string) bool {
		return section == "profile "+name || name == "default" && section == "default"
	})
	if err != nil {
		return awsSettings{}, err
	}
	if profile != "" && profile != "default" && !there {
		_, there, err = readAWSFile("AWS_SHARED_CREDENTIALS_FILE", "credentials", func(section string) bool { return section == name })
		if err != nil {
			return awsSettings{}, err
		}
		if !there {
			return awsSettings{}, &awsError{awsGeneral, fmt.Sprintf("The config profile (%s) could not be found", profile)}
		}
	}
	return parseAWSSettings(config), nil
}

// readAWSFile reads the s3 settings of one section of the file that a variable names, or else of that name in ~/.aws. It tells
// whether there is such a section.
func readAWSFile(variable, base string, wanted func(section string) bool) (map[string]string, bool, error) {
	path := os.Getenv(variable)
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, false, nil // then there is no file, either
		}
		path = filepath.Join(home, ".aws", base)
	} else if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			path = filepath.Join(home, rest)
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, &awsError{awsGeneral, err.Error()}
	}
	defer f.Close() // only read from
	settings, there := scanAWSFile(bufio.NewScanner(f), wanted)
	return settings, there, nil
}

// scanAWSFile looks for the lines below "s3 =" that are indented, in the sections that are wanted; keys that stand by themselves as
// s3_NAME or NAME, as the SDKs have some of them, are not of that section.
func scanAWSFile(lines *bufio.Scanner, wanted func(string) bool) (map[string]string, bool) {
	settings, there := map[string]string{}, false
	here, below := false, false
	for lines.Scan() {
		line := lines.Text()
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
			continue
		case text[0] == '[':
			section, _, _ := strings.Cut(text[1:], "]")
			here, below = wanted(strings.Join(strings.Fields(section), " ")), false
			there = there || here
			continue
		case !here:
			continue
		}
		name, value, _ := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if line[0] != ' ' && line[0] != '\t' {
			below = name == "s3" && value == ""
		} else if below {
			settings[name] = value
		}
	}
	return settings, there
}

// parseAWSSettings understands the values; of those that nothing here depends on, it checks that they could be.
func parseAWSSettings(from map[string]string) (s awsSettings) {
	var queue int
	var ignored string
	var rate int64
	flag := func(to *bool) func(name, v string) error {
		return func(_, v string) error { *to = strings.EqualFold(v, "true"); return nil }
	}
	for _, k := range []struct {
		name string
		read func(name, value string) error
	}{
		{"max_concurrent_requests", positive(&s.concurrency)},
		{"max_queue_size", positive(&queue)},
		{"multipart_threshold", awsBytes(&s.threshold)},
		{"multipart_chunksize", awsBytes(&s.partSize)},
		{"max_bandwidth", awsRate(&s.bandwidth)},
		{"target_bandwidth", awsRate(&rate)},
		{"use_accelerate_endpoint", flag(&s.accelerate)},
		{"use_dualstack_endpoint", flag(&s.dualStack)},
		{"payload_signing_enabled", flag(&s.signPayload)},
		{"addressing_style", oneOf(&s.addressing, "auto", "path", "virtual")},
		{"preferred_transfer_client", oneOf(&ignored, "auto", "classic", "crt", "default")},
	} {
		if v, ok := from[k.name]; ok {
			if err := k.read(k.name, v); err != nil && s.bad == nil {
				s.bad = err
			}
		}
	}
	return s
}

func positive(to *int) func(name, value string) error {
	return func(name, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return &awsError{awsGeneral, fmt.Sprintf("Value for %s must be a positive integer: %s", name, value)}
		}
		*to = n
		return nil
	}
}

func oneOf(to *string, choices ...string) func(name, value string) error {
	return func(name, value string) error {
		if !slices.Contains(choices, value) {
			return &awsError{awsGeneral, fmt.Sprintf("Invalid value: %q for configuration option: %q. Supported values are: %s", value, name, strings.Join(choices, ", "))}
		}
		*to = value
		return nil
	}
}

// awsBytes reads a size such as 8MB or 8MiB, which are the same in aws.
func awsBytes(to *int64) func(name, value string) error {
	return func(name, value string) error {
		text, unit := strings.ToLower(strings.TrimSpace(value)), int64(1)
		for i, letter := range []string{"k", "m", "g", "t"} {
			for _, suffix := range []string{letter + "ib", letter + "b"} {
				if rest, ok := strings.CutSuffix(text, suffix); ok && unit == 1 {
					text, unit = strings.TrimSpace(rest), 1<<(10*(i+1))
				}
			}
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return &awsError{awsGeneral, "Invalid size value: " + value}
		}
		if n < 1 || n > (1<<62)/unit {
			return &awsError{awsGeneral, fmt.Sprintf("Value for %s must be a positive integer: %s", name, value)}
		}
		*to = n * unit
		return nil
	}
}

// awsRate reads a rate such as 10MB/s, or 80Mb/s in bits. A plain number is bytes a second.
func awsRate(to *int64) func(name, value string) error {
	return func(name, value string) error {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
			*to = n
			return nil
		}
		if text, ok := strings.CutSuffix(value, "B/s"); ok {
			return awsBytes(to)(name, text+"B")
		}
		if text, ok := strings.CutSuffix(value, "b/s"); ok {
			err := awsBytes(to)(name, text+"B")
			*to /= 8
			return err
		}
		return &awsError{awsGeneral, fmt.Sprintf("Invalid rate: %s. Write it in bytes (10MB/s) or bits (80Mb/s) a second", value)}
	}
}
