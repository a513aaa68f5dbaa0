package nullstore

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Object is an object that was PUT, as the control port tells it.
type Object struct {
	Name string `json:"name"` // bucket/key
	Size int64  `json:"size"`
	// CRC64NVME in Base64: what was sent, or in checking mode what came. It may be empty.
	CRC64NVME string `json:"crc64nvme"`
}

// Objects gives the objects that were PUT, in order of their names.
func (s *Server) Objects() []Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Object{}
	for _, o := range s.objects {
		if o.put {
			all = append(all, Object{o.name, o.size, o.crc.Base64()})
		}
	}
	slices.SortFunc(all, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// controls is the handler of the control port.
func (s *Server) controls() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST /shape", func(w http.ResponseWriter, r *http.Request) {
		var shape Shape
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		d.DisallowUnknownFields()
		err := d.Decode(&shape)
		if err == nil {
			err = s.SetShape(shape)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	m.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Reset(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	m.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { give(w, s.Stats()) })
	m.HandleFunc("GET /objects", func(w http.ResponseWriter, _ *http.Request) { give(w, s.Objects()) })
	return m
}

func give(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked may be gone
}

// ParseSize reads a number of bytes, such as 65536, 64KiB, 25MB or 4GiB.
func ParseSize(text string) (int64, error) {
	for _, u := range []struct {
		suffix string
		bytes  float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"", 1}} {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || n < 0 || n*u.bytes > 1<<60 {
			return 0, fmt.Errorf("%q is no size", text)
		}
		return int64(n * u.bytes), nil
	}
	return 0, fmt.Errorf("%q is no size", text)
}
