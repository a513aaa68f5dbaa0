package store

import "context"

// Version is one version of an object, or, if Deleted is set, a delete marker, which has neither size nor ETag.
type Version struct {
	Object
	Deleted bool
}

// Versioner is implemented by stores that can keep several versions of an object.
type Versioner interface {
	// VersionsPage lists versions of objects whose keys begin with prefix, and delete markers: a page of them, with one request, which
	// begins after the version that after names; the zero Ref begins the listing. The second result is where the next page begins; it
	// has no Key after the last. In a page, delete markers may come after the versions.
	VersionsPage(ctx context.Context, bucket, prefix string, after Ref) ([]Version, Ref, error)
	// Versioning returns whether a bucket keeps versions: "Enabled", "Suspended", or "" if it never did.
	Versioning(ctx context.Context, bucket string) (string, error)
	// SetVersioning sets it to Enabled or Suspended.
	SetVersioning(ctx context.Context, bucket, status string) error
}
