package localfile_test

import (
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"haul.example/haul/internal/localfile"
)

func TestTargetPath(t *testing.T) {
	t.Chdir(t.TempDir())
	must(t, localfile.MakeDirs("dir", 0o755))
	write(t, "file", nil)
	long := strings.Repeat("x", 256)
	for _, tc := range []struct{ target, key, want, says string }{
		{"new.bam", "runs/a.bam", "new.bam", ""},
		{"new.bam", "", "new.bam", ""},
		{"file", "runs/a.bam", "file", ""},
		{"file/x", "runs/a.bam", "file/x", ""}, // Create says what is wrong with it
		{"dir", "runs/a.bam", "dir/a.bam", ""},
		{"dir/", "a.bam", "dir/a.bam", ""},
		{"none/", "a.bam", "none/a.bam", ""},
		{".", "runs/a.bam", "a.bam", ""},
		{"dir", "a//b", "dir/b", ""},
		{"dir", "../../etc/passwd", "dir/passwd", ""},
		{"dir", "runs/", "", "ends in a slash"},
		{"dir", "", "", "ends in a slash"},
		{"dir", "runs/..", "", "names a folder"},
		{"dir", ".", "", "names a folder"},
		{"dir", "a\x00b", "", "NUL"},
		{"dir", "runs/" + long, "", "256 bytes"},
		{"dir", "runs/" + long[1:], "dir/" + long[1:], ""},
		{long, "a", "", "too long"},
		{"", "a", "", "empty"},
		{"a\x00", "a", "", "NUL"},
	} {
		got, err := localfile.TargetPath(tc.target, tc.key)
		if filepath.ToSlash(got) != tc.want || (err == nil) != (tc.says == "") || (err != nil && !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("TargetPath(%q, %q) = %q, %v; want %q, %q", tc.target, tc.key, got, err, tc.want, tc.says)
		}
	}
}

func TestTargetPathNeverLeavesTheFolder(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.String(), rapid.StringMatching(`([./\\a:]|\x00){0,8}`)).Draw(t, "key")
		got, err := localfile.TargetPath(dir, key)
		if err == nil && (filepath.Dir(got) != dir || got == dir) {
			t.Fatalf("key %q became %q", key, got)
		}
	})
}
