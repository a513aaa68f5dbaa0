package haul

import "haul.example/haul/internal/plan"

// UploadRequests returns how many requests an upload of that size makes if none fails.
func (c *Client) UploadRequests(bucket string, size int64, o Transfer) int {
	limits := c.store.Limits(bucket)
	if plan.OnePut(size, limits) && (o.PartSize == 0 || size <= o.PartSize) {
		return 1
	}
	layout, err := plan.Parts(size, o.PartSize, limits)
	if err != nil {
		return 1
	}
	return layout.Count + 2
}

// DownloadRequests returns about how many requests a download of that size makes if none fails.
func (c *Client) DownloadRequests(size int64, o Transfer) int {
	if size <= smallObject && (o.PartSize == 0 || size <= o.PartSize) {
		return 1
	}
	part := plan.RangeSize(size, o.PartSize)
	return int((size+part-1)/part) + 1
}

// CopyRequests returns about how many requests a copy within the store makes if none fails.
func (c *Client) CopyRequests(bucket string, size int64, o Transfer) int {
	limits := c.store.Limits(bucket)
	if (limits.MaxCopy == 0 || size <= limits.MaxCopy) && (o.PartSize == 0 || size <= o.PartSize) {
		return 3
	}
	layout, err := plan.Parts(size, max(o.PartSize, copyPart), limits)
	if err != nil {
		return 3
	}
	return layout.Count + 5
}

// Identity names the store, without secrets; empty if it has no name.
func (c *Client) Identity() string { return c.identity }
