package s3_test

import (
	"strings"
	"testing"

	"haul.example/haul/store"
	"haul.example/haul/store/s3"
)

const versionsPage = `<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lab</Name><Prefix>a</Prefix><EncodingType>url</EncodingType>` +
	`<IsTruncated>TRUNCATED</IsTruncated><NextKeyMarker>a%2Bb</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>` +
	`<Version><Key>a%2Bb</Key><VersionId>v2</VersionId><Size>3</Size><ETag>"tag"</ETag><StorageClass>STANDARD</StorageClass><LastModified>2026-01-01T00:00:00Z</LastModified></Version>` +
	`<DeleteMarker><Key>a%2Bb</Key><VersionId>v1</VersionId><LastModified>2026-01-02T00:00:00Z</LastModified></DeleteMarker></ListVersionsResult>`

func TestVersionsPage(t *testing.T) {
	srv := script(t, answer(200, strings.Replace(versionsPage, "TRUNCATED", "true", 1)))
	s := open(t, s3.Config{Endpoint: srv.URL})
	page, next, err := s.VersionsPage(t.Context(), "lab", "a", store.Ref{})
	if err != nil || len(page) != 2 || page[0].Key != "a+b" || page[0].Version != "v2" || page[0].Size != 3 || page[0].ETag != "tag" || !page[1].Deleted ||
		next != (store.Ref{Bucket: "lab", Key: "a+b", Version: "v1"}) {
		t.Errorf("%+v, %v, %v", page, next, err)
	}
	if r := srv.last(t); !r.query.Has("versions") || r.query.Get("prefix") != "a" {
		t.Errorf("%s", r)
	}
	// gofakes3 has another name for the document.
	srv = script(t, answer(200, strings.ReplaceAll(strings.Replace(versionsPage, "TRUNCATED", "false", 1), "ListVersionsResult", "ListBucketVersionsResult")))
	s = open(t, s3.Config{Endpoint: srv.URL})
	if page, _, err := s.VersionsPage(t.Context(), "lab", "a", store.Ref{}); err != nil || len(page) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	// The same marker again would go on forever.
	srv = script(t, answer(200, strings.Replace(versionsPage, "TRUNCATED", "true", 1)))
	s = open(t, s3.Config{Endpoint: srv.URL})
	if _, _, err := s.VersionsPage(t.Context(), "lab", "a", next); store.KindOf(err) != store.BadAnswer {
		t.Errorf("%v", err)
	}
	// What was not asked for is not a version of it.
	srv = script(t, answer(200, strings.Replace(versionsPage, "TRUNCATED", "false", 1)))
	s = open(t, s3.Config{Endpoint: srv.URL})
	if _, _, err := s.VersionsPage(t.Context(), "lab", "a+c", store.Ref{}); store.KindOf(err) != store.BadAnswer {
		t.Errorf("%v", err)
	}
}

func TestVersioning(t *testing.T) {
	srv := script(t, answer(200, `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status></VersioningConfiguration>`))
	s := open(t, s3.Config{Endpoint: srv.URL})
	if got, err := s.Versioning(t.Context(), "lab"); err != nil || got != "Suspended" {
		t.Errorf("%q, %v", got, err)
	}
	srv = script(t, answer(200, ""))
	s = open(t, s3.Config{Endpoint: srv.URL})
	if err := s.SetVersioning(t.Context(), "lab", "Enabled"); err != nil {
		t.Error(err)
	}
	if r := srv.last(t); !r.query.Has("versioning") || !strings.Contains(string(r.body), "<Status>Enabled</Status>") {
		t.Errorf("%s %s", r, r.body)
	}
}
