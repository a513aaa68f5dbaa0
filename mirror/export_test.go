package mirror

import "strings"

// Open to the tests of this package.
const Ahead = ahead

// Places finds places as Down does, on a file system with or without regard to case.
func Places(dir string, folds bool) (func(rel string, size int64) (string, error), error) {
	p, err := newPlaces(dir)
	if err != nil {
		return nil, err
	}
	if folds {
		p.foldCase()
	}
	return p.find, nil
}

// Walked is what walk found.
type Walked struct {
	Rel string
	Why error
}

// Walk walks a folder.
func Walk(root string) ([]Walked, error) {
	var all []Walked
	err := walk(root, sight{}, func(f found) bool {
		all = append(all, Walked{strings.TrimSuffix(f.rel, "/"), f.why})
		return true
	})
	return all, err
}
