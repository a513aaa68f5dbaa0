package s3server

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"

	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func (q *request) remove() error {
	if err := q.s.memory.Delete(q.r.Context(), q.call.On.Ref, q.attrs()); err != nil {
		return err
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// removeMany answers DeleteObjects, which S3 only accepts with a checksum.
func (q *request) removeMany() error {
	body, err := io.ReadAll(io.LimitReader(q.body, maxBody))
	if err != nil {
		return err
	}
	sum := md5.Sum(body)
	switch sent := q.r.Header.Get("Content-MD5"); sent {
	case base64.StdEncoding.EncodeToString(sum[:]):
	case "":
		return q.invalid("InvalidRequest", "Missing required header for this request: Content-MD5")
	default:
		return storetest.Refuse(storetest.DeleteMany, q.call.On.Ref, store.Corrupt, "The Content-MD5 you specified did not match what we received.")
	}
	var in deleteRequestXML
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Object) == 0 {
		return q.invalid("MalformedXML", fmt.Sprint("The XML you provided was not well-formed: ", err))
	}
	refs := make([]store.Ref, len(in.Object))
	for i, o := range in.Object {
		refs[i] = store.Ref{Bucket: q.call.On.Ref.Bucket, Key: o.Key, Version: o.VersionID}
	}
	each, err := q.s.memory.DeleteMany(q.r.Context(), refs, q.attrs())
	if err != nil {
		return err
	}
	q.xml(http.StatusOK, deletedOf(in, refs, each))
	return nil
}

// deletedOf reports what became of each; a quiet request gets only the errors.
func deletedOf(in deleteRequestXML, refs []store.Ref, each []error) deleteXML {
	var out deleteXML
	for i, ref := range refs {
		what := deletedXML{Key: ref.Key, VersionID: ref.Version}
		var e *store.Error
		switch {
		case errors.As(each[i], &e):
			out.Error = append(out.Error, deleteErrorXML{what, e.Code, e.Message})
		case each[i] != nil:
			out.Error = append(out.Error, deleteErrorXML{what, "InternalError", each[i].Error()})
		case !in.Quiet:
			out.Deleted = append(out.Deleted, what)
		}
	}
	return out
}
