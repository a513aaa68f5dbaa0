package haul_test

import (
	"testing"
	"time"

	"haul.example/haul"
	"haul.example/haul/store"
)

func TestFileTime(t *testing.T) {
	for text, want := range map[string]int64{ // nanoseconds
		"1000000000.123456789":          1_000_000_000_123_456_789,
		"1000000000":                    1_000_000_000_000_000_000,
		"1.5":                           1_500_000_000,
		"-1.25":                         -1_250_000_000,
		"1000000000.12345678912345":     1_000_000_000_123_456_789,
		"":                              0,
		"yesterday":                     0,
		"1e9":                           0,
		"99999999999999999999999999999": 0,
		"1.2.3":                         0,
	} {
		got, ok := haul.FileTime(withMetadata("mtime", text))
		if ok != (want != 0) || ok && got.UnixNano() != want {
			t.Errorf("%q: %v, %v", text, got, ok)
		}
	}
	s3cmd := "atime:1433167443/ctime:1433167442/gid:0/gname:root/md5:d41d8cd98f00b204e9800998ecf8427e/mode:33188/mtime:1433167441/uid:0/uname:root"
	if got, ok := haul.FileTime(withMetadata("s3cmd-attrs", s3cmd)); !ok || !got.Equal(time.Unix(1433167441, 0)) {
		t.Errorf("s3cmd: %v, %v", got, ok)
	}
	if _, ok := haul.FileTime(withMetadata("s3cmd-attrs", "mode:33188/uname:mtime")); ok {
		t.Error("a time out of nothing")
	}
}

func withMetadata(name, value string) store.Object {
	return store.Object{Attrs: store.Attrs{Metadata: map[string]string{name: value}}}
}
