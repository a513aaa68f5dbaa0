package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"haul.example/haul"
	"haul.example/haul/internal/ui"
	"haul.example/haul/store"
)

// UsageRequest counts the objects and bytes below a prefix.
type UsageRequest struct {
	Where store.Ref
	Depth int // levels of folders that are counted by themselves
	Attrs store.Attrs
	Human bool // sizes in KiB, MiB, GiB
}

// Usage runs r. If nothing begins with the prefix, the error is a *MissingError.
func (s *Session) Usage(ctx context.Context, r UsageRequest) error {
	c, err := s.client(ctx, haul.Options{})
	if err != nil {
		return err
	}
	total, err := r.run(ctx, c, func(u ui.Usage) { s.Screen().Usage(u, r.Human) })
	if err == nil && total.Objects == 0 && r.Where.Key != "" {
		return &MissingError{fmt.Sprintf("no object key starts with %s", r.Where)}
	}
	return err
}

// run reports each folder when it ends, then the storage classes if there are several, then the total. It relies on a listing in
// the byte order of the keys, in which all that is in a folder comes together.
func (r UsageRequest) run(ctx context.Context, c *haul.Client, report func(ui.Usage)) (ui.Usage, error) {
	total := ui.Usage{Where: r.Where}
	classes := map[string]*ui.Usage{}
	var open []*ui.Usage // the folders that the last key lies in, outermost first
	end := func(depth int) {
		for len(open) > depth {
			report(*open[len(open)-1])
			open = open[:len(open)-1]
		}
	}
	for o, err := range c.List(ctx, r.Where.Bucket, r.Where.Key, &r.Attrs) {
		if err != nil {
			return total, err
		}
		folders := r.folders(o.Key)
		same := 0
		for same < min(len(open), len(folders)) && open[same].Where.Key == folders[same] {
			same++
		}
		end(same)
		for _, f := range folders[same:] {
			open = append(open, &ui.Usage{Where: store.Ref{Bucket: r.Where.Bucket, Key: f}})
		}
		class := o.StorageClass
		if class == "" {
			class = "STANDARD"
		}
		if classes[class] == nil {
			classes[class] = &ui.Usage{Where: r.Where, Class: class}
		}
		for _, u := range append(open, classes[class], &total) {
			u.Objects++
			u.Bytes += o.Size
		}
	}
	end(0)
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		if len(classes) > 1 || class != "STANDARD" {
			report(*classes[class])
		}
	}
	report(total)
	return total, nil
}

// folders returns the folders below the prefix that a key lies in, outermost first, as deep as is asked for.
func (r UsageRequest) folders(key string) (all []string) {
	at := len(r.Where.Key)
	for len(all) < r.Depth {
		i := strings.IndexByte(key[at:], '/')
		if i < 0 {
			break
		}
		at += i + 1
		all = append(all, key[:at])
	}
	return all
}
