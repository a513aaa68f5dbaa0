package layout

import "haul.example/haul/store"

const (
	// smallObject is the size up to which an object is fetched by one request if its size is known before.
	smallObject = 8 << 20
	// CopyPart is the default size of one part of a copy: a part costs a request and moves nothing here.
	CopyPart = 256 << 20
)

// OneGet reports whether an object of a known size is fetched by one request; want is the part size that the user asked for,
// or 0.
func OneGet(size, want int64) bool { return size <= smallObject && (want == 0 || size <= want) }

// OneCopy reports whether an object may be copied in one request; want is as in OneGet.
func OneCopy(size, want int64, l store.Limits) bool {
	return (l.MaxCopy == 0 || size <= l.MaxCopy) && (want == 0 || size <= want)
}

// UploadRequests returns how many requests an upload of that size makes if none fails; want is as in OneGet.
func UploadRequests(size, want int64, l store.Limits) int {
	if OnePut(size, l) && (want == 0 || size <= want) {
		return 1
	}
	layout, err := Parts(size, want, l)
	if err != nil {
		return 1
	}
	return layout.Count + 2
}

// DownloadRequests returns about how many requests a download of that size makes if none fails.
func DownloadRequests(size, want int64) int {
	if OneGet(size, want) {
		return 1
	}
	return int(divUp(size, RangeSize(size, want))) + 1
}

// CopyRequests returns about how many requests a copy within the store makes if none fails.
func CopyRequests(size, want int64, l store.Limits) int {
	if OneCopy(size, want, l) {
		return 3
	}
	layout, err := Parts(size, max(want, CopyPart), l)
	if err != nil {
		return 3
	}
	return layout.Count + 5
}
