package mirror_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"haul.example/haul"
	"haul.example/haul/mirror"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// TestRefusedObjects: an object that the store always answers with 500 fails alone and by name, whether others come after it or
// it is the last; a store that does so for one object after the other ends the run.
func TestRefusedObjects(t *testing.T) {
	for ill, ends := range map[int]bool{1: false, 2: false, 6: true} {
		synctest.Test(t, func(t *testing.T) {
			m := inParts(t)
			files := tree{"a": "x", "b": "x", "m": "x", "z": "x"}
			if ends {
				files = tree{}
			}
			for i := range ill {
				name := fmt.Sprintf("ill%d", i)
				files[name] = "x"
				m.Fault(storetest.Put).Key("run/" + name).Always().Error(&store.Error{Kind: store.Unavailable, Status: 500, Code: "InternalError"})
			}
			s, err := mirror.Up(t.Context(), client(t, m, haul.Options{}), files.write(t), at("run"), small)
			var part *mirror.IncompleteError
			if errors.As(err, &part) == ends || ends != errors.Is(err, store.Unavailable) {
				t.Errorf("%d ill objects: %v", ill, err)
			}
			if !ends && (s.Failed != ill || s.Done != 4 || len(s.Failures) != ill) {
				t.Errorf("%d ill objects: %+v", ill, s)
			}
		})
	}
}
