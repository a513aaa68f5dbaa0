package store

import "context"

// Annotator is a store whose objects can have annotations: up to 1,000 named texts of up to 1 MiB each, put beside a version of an object
// that is stored already, and no part of its ETag. Amazon S3 has them since 2026, except in directory buckets and on objects with a
// customer's key. https://docs.aws.amazon.com/AmazonS3/latest/userguide/annotations-overview.html
//
// A store that has none returns an Error of kind Unsupported.
type Annotator interface {
	// Annotations returns the names of an object's annotations.
	Annotations(context.Context, Ref, *Attrs) ([]string, error)
	// Annotation returns one annotation.
	Annotation(ctx context.Context, ref Ref, name string, a *Attrs) ([]byte, error)
	// Annotate puts an annotation beside an object that has the ETag ifMatch; an empty one is any.
	Annotate(ctx context.Context, ref Ref, ifMatch string, n Annotation, a *Attrs) error
}

// Annotation is an annotation of an object.
type Annotation struct {
	Name    string
	Payload []byte
}

// Annotations says what becomes of a source's annotations in a copy.
type Annotations string

// What a copy does with annotations. By default the store decides: Amazon S3 copies them with an object that is copied in one request,
// and leaves them out otherwise.
const (
	AnnotationsDefault Annotations = ""
	CopyAnnotations    Annotations = "COPY"
	ExcludeAnnotations Annotations = "EXCLUDE"
)
