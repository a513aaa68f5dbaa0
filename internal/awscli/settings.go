package awscli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"haul.example/haul/internal/awsfile"
)

// settings are those of the s3 section of a profile that haul uses. Zero is not set.
type settings struct {
	concurrency         int
	threshold, partSize int64 // bytes
	bandwidth           int64 // bytes a second
	addressing          string
	accelerate          bool
	dualStack           bool
	signPayload         bool
	tries               int // of one request
	badTries            error
	endpoint            string // of the environment or the profile
	caBundle            string // of the profile
	arnRegion           string // whether the region of an ARN counts
	noMultiRegion       string // whether multi-Region access points are refused
	whenRequired        bool   // none of the newer checksums
	// bad is the first invalid value; only transfers fail on it.
	bad error
}

// readSettings reads a profile, or the default one. A named profile that is in neither file is an error.
func readSettings(profile string) (settings, error) {
	name := profile
	if name == "" {
		name = "default"
	}
	config, there, err := readProfile("AWS_CONFIG_FILE", "config", name)
	if err != nil {
		return settings{}, err
	}
	if profile != "" && profile != "default" && !there {
		if _, there, err = readProfile("AWS_SHARED_CREDENTIALS_FILE", "credentials", name); err != nil {
			return settings{}, err
		}
		if !there {
			return settings{}, &codedError{codeGeneral, fmt.Sprintf("The config profile (%s) could not be found", profile)}
		}
	}
	s := parseSettings(config)
	s.endpoint, err = configuredEndpoint(config)
	return s, err
}

// configuredEndpoint returns the endpoint of S3 that the environment or the profile names. The SDK for Go has another order.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func configuredEndpoint(profile map[string]string) (string, error) {
	if strings.EqualFold(cmp.Or(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), profile["ignore_configured_endpoint_urls"]), "true") {
		return "", nil
	}
	if url := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")); url != "" || profile["services"] == "" {
		return cmp.Or(url, profile["endpoint_url"]), nil
	}
	f, err := readFile("AWS_CONFIG_FILE", "config")
	for _, s := range f.Sections {
		if s.Kind == "services" && s.Name == profile["services"] && s.Settings["s3.endpoint_url"] != "" {
			return s.Settings["s3.endpoint_url"], err
		}
	}
	return profile["endpoint_url"], err
}

// setVariables says in the environment what the SDK for Go does not read in the s3 section.
func (s settings) setVariables() {
	for name, value := range map[string]string{"AWS_S3_USE_ARN_REGION": s.arnRegion, "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS": s.noMultiRegion} {
		if value != "" && os.Getenv(name) == "" {
			_ = os.Setenv(name, value)
		}
	}
}

// readProfile reads a profile in the file that a variable names, or else of that name in ~/.aws.
func readProfile(variable, base, name string) (map[string]string, bool, error) {
	f, err := readFile(variable, base)
	if err != nil {
		return nil, false, err
	}
	settings, there := f.Profile(name, base == "credentials")
	return settings, there, nil
}

// readFile reads the file that a variable names, or else the one of that name in ~/.aws, which may be missing.
func readFile(variable, base string) (awsfile.File, error) {
	path := awsfile.Path(os.Getenv(variable))
	if path == "" {
		path = awsfile.Path("~/.aws/" + base)
	}
	f, err := awsfile.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return awsfile.File{}, nil
	case err != nil:
		return awsfile.File{}, &codedError{codeGeneral, "Unable to parse config file: " + err.Error()}
	}
	return f, nil
}

// parseSettings parses the values, also those that haul does not use, which must be valid.
func parseSettings(from map[string]string) (s settings) {
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
		{"multipart_threshold", parseBytes(&s.threshold)},
		{"multipart_chunksize", parseBytes(&s.partSize)},
		{"max_bandwidth", parseRate(&s.bandwidth)},
		{"target_bandwidth", parseRate(&rate)},
		{"use_accelerate_endpoint", flag(&s.accelerate)},
		{"use_dualstack_endpoint", flag(&s.dualStack)},
		{"payload_signing_enabled", flag(&s.signPayload)},
		{"io_chunksize", parseBytes(&rate)},
		{"disk_throughput", parseRate(&rate)},
		{"addressing_style", oneOf(&s.addressing, "auto", "path", "virtual")},
		{"preferred_transfer_client", oneOf(&ignored, "auto", "classic", "crt", "default")},
	} {
		if v, ok := from["s3."+k.name]; ok {
			if err := k.read(k.name, v); err != nil && s.bad == nil {
				s.bad = err
			}
		}
	}
	s.caBundle, s.arnRegion, s.noMultiRegion = from["ca_bundle"], from["s3.use_arn_region"], from["s3.s3_disable_multiregion_access_points"]
	s.whenRequired = strings.EqualFold(cmp.Or(os.Getenv("AWS_REQUEST_CHECKSUM_CALCULATION"), from["request_checksum_calculation"]), "when_required")
	s.tries, s.badTries = parseTries(cmp.Or(os.Getenv("AWS_RETRY_MODE"), from["retry_mode"]), cmp.Or(os.Getenv("AWS_MAX_ATTEMPTS"), from["max_attempts"]))
	return s
}

// parseTries returns how often aws tries a request: by default 3 times, 5 in the legacy mode.
func parseTries(mode, most string) (int, error) {
	tries, ok := map[string]int{"": 3, "standard": 3, "adaptive": 3, "legacy": 5}[mode]
	if !ok {
		return 0, &codedError{codeGeneral, fmt.Sprintf("Invalid value provided to \"mode\": %q must be one of: standard, adaptive, legacy", mode)}
	}
	if most == "" {
		return tries, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(most))
	if err != nil || n < 1 {
		return 0, &codedError{codeGeneral, fmt.Sprintf("Value provided to \"max_attempts\": %s must be an integer greater than or equal to 1.", most)}
	}
	return n, nil
}

func positive(to *int) func(name, value string) error {
	return func(name, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return &codedError{codeGeneral, fmt.Sprintf("Value for %s must be a positive integer: %s", name, value)}
		}
		*to = n
		return nil
	}
}

func oneOf(to *string, choices ...string) func(name, value string) error {
	return func(name, value string) error {
		if !slices.Contains(choices, value) {
			return &codedError{codeGeneral, fmt.Sprintf("Invalid value: %q for configuration option: %q. Supported values are: %s", value, name, strings.Join(choices, ", "))}
		}
		*to = value
		return nil
	}
}

// parseBytes reads a size such as 8MB or 8MiB, which are the same in aws.
func parseBytes(to *int64) func(name, value string) error {
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
			return &codedError{codeGeneral, "Invalid size value: " + value}
		}
		if n < 1 || n > (1<<62)/unit {
			return &codedError{codeGeneral, fmt.Sprintf("Value for %s must be a positive integer: %s", name, value)}
		}
		*to = n * unit
		return nil
	}
}

// parseRate reads a rate such as 10MB/s, or 80Mb/s in bits. A plain number is bytes a second.
func parseRate(to *int64) func(name, value string) error {
	return func(name, value string) error {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
			*to = n
			return nil
		}
		if text, ok := strings.CutSuffix(value, "B/s"); ok {
			return parseBytes(to)(name, text+"B")
		}
		if text, ok := strings.CutSuffix(value, "b/s"); ok {
			err := parseBytes(to)(name, text+"B")
			*to /= 8
			return err
		}
		return &codedError{codeGeneral, fmt.Sprintf("Invalid rate: %s. Write it in bytes (10MB/s) or bits (80Mb/s) a second", value)}
	}
}
