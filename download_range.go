package haul

import (
	"context"
	"io"

	"haul.example/haul/store"
)

// ReadRange fills p with the bytes of an object starting at offset, and returns the object as the response describes it,
// including its metadata. The object comes from a listing or a Head: if it has changed since, the error is of kind
// store.Changed. The range must lie within the object. Of the attributes, only RequestPayer and the customer's key are used.
func (c *Client) ReadRange(ctx context.Context, obj store.Object, offset int64, p []byte, a *store.Attrs) (store.Object, error) {
	defer c.alive()()
	if len(p) == 0 {
		return obj, nil
	}
	s := &remote{transfer: c.begin(obj.Ref.String(), "", transferOptions{}), ref: obj.Ref, obj: obj}
	if err := c.dispatch.Enter(ctx, 0); err != nil {
		return store.Object{}, err
	}
	defer c.dispatch.Leave(0)
	var found store.Object
	err := s.try(ctx, func(ctx context.Context) error {
		c.meter.Request()
		body, err := c.store.Get(ctx, store.GetRequest{
			Ref: obj.Ref, Range: store.Range{Offset: offset, Length: int64(len(p))}, IfMatch: obj.ETag, Attrs: a,
		})
		if err != nil {
			return err
		}
		defer body.Close()
		if err := s.unchanged(body.Object); err != nil {
			return err
		}
		n, err := io.ReadFull(body, p)
		c.moved(n, ctx.Done())
		if err != nil {
			return lostBody(obj.Ref, err)
		}
		found = body.Object
		return nil
	})
	return found, err
}
