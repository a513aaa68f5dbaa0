package layout_test

import (
	"testing"

	"haul.example/haul/internal/layout"
	"haul.example/haul/store"
)

func TestRequests(t *testing.T) {
	const mib = 1 << 20
	limits := store.Limits{MinPart: 5 * mib, MaxParts: 10_000, MaxPut: 5 << 30, MaxCopy: 5 << 30}
	for what, tt := range map[string]struct{ got, want int }{
		"a small upload":           {layout.UploadRequests(mib, 0, limits), 1},
		"an upload in parts":       {layout.UploadRequests(100*mib, 10*mib, limits), 12},
		"a small download":         {layout.DownloadRequests(mib, 0), 1},
		"a download by ranges":     {layout.DownloadRequests(100*mib, 10*mib), 11},
		"a copy":                   {layout.CopyRequests(mib, 0, limits), 3},
		"a copy in parts":          {layout.CopyRequests(10<<30, 0, limits), 45},
		"an upload that cannot be": {layout.UploadRequests(100*mib, 1, limits), 1},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %d requests, want %d", what, tt.got, tt.want)
		}
	}
}
