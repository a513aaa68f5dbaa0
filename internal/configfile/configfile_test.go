package configfile_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"haul.example/haul/internal/configfile"
)

func TestParse(t *testing.T) {
	const text = `# shared by the lab
[stores.lab]
endpoint = "https://minio.example.org:9000"   # inside only
profile = 'lab'
ca = "/etc/ssl/\"lab\"#1.pem"

[ stores . public-data ] # of everyone
no_sign_request = true
region="eu-west-1"
addressing = "path"
`
	got, err := configfile.Parse("config.toml", []byte(text))
	want := []configfile.Store{
		{Name: "lab", Endpoint: "https://minio.example.org:9000", Profile: "lab", CABundle: `/etc/ssl/"lab"#1.pem`},
		{Name: "public-data", NoSignRequest: true, Region: "eu-west-1", Addressing: "path"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestRefused names the line, and never a value that may be a secret.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[stores.lab]\n\ncolor = \"red\"":                             `config.toml:3: the key "color" is not known`,
		"[stores.lab]\nsecret_access_key = \"hush\"":                  `config.toml:2: secret_access_key may be a secret`,
		"[stores.lab]\naws_access_key_id = \"hush\"":                  `config.toml:2: aws_access_key_id may be a secret`,
		"[stores.lab]\nhush":                                          `config.toml:2: this is neither`,
		"[stores.lab]\nregion = hush hush":                            `config.toml:2: region: the value must be`,
		"[stores.lab]\nregion = \"hush":                               `config.toml:2: region: the value must be`,
		"[stores.lab]\nregion = hush":                                 `config.toml:2: region must be a text in quotes`,
		"[stores.lab]\nno_verify_ssl = \"true\"":                      `config.toml:2: no_verify_ssl must be true or false`,
		"[stores.lab]\nregion = \"a\"\nregion = \"b\"":                `config.toml:3: region is set twice`,
		"[stores.lab]\nendpoint = \"https://me:hush@s3.example.org\"": `config.toml:2: endpoint must be a URL`,
		"[stores.lab]\nendpoint = \"s3.example.org\"":                 `config.toml:2: endpoint must be a URL`,
		"[stores.lab]\naddressing = \"host\"":                         `config.toml:2: addressing must be auto, path or virtual (got "host")`,
		"region = \"a\"":                                              `config.toml:1: a table such as [stores.lab] is missing`,
		"[lab]":                                                       `config.toml:1: "[lab]" is not a table`,
		"[stores.c]":                                                  `config.toml:1: a store cannot have the name "c"`,
		"[stores.https]":                                              `config.toml:1: a store cannot have the name "https"`,
		"[stores.lab]\n[stores.lab]":                                  `config.toml:2: there are two stores`,
	} {
		_, err := configfile.Parse("config.toml", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.toml")
	if got, err := configfile.Read(path); got != nil || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("[stores.lab]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := configfile.Read(path); len(got) != 1 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}
