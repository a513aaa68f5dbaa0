package main

import (
	"io/fs"
	"slices"
	"strings"
)

// member is a file of an archive, a package or an image.
type member struct {
	path string // slash-separated, relative
	data []byte
	mode fs.FileMode // permission bits; with fs.ModeSymlink, data is the target
}

// licensesName has the licenses of the code of others that is in the program.
const licensesName = "THIRD_PARTY_LICENSES.txt"

// commonFiles returns what goes beside the program on every platform, in the layout of archives. Documents and licenses are among the
// files of the source.
func commonFiles(source []member, r release) ([]member, error) {
	scripts, err := completions()
	if err != nil {
		return nil, err
	}
	all := slices.Concat(manPages(r), scripts, []member{find(source, "README.md"), find(source, "CHANGELOG.md"), find(source, "CONTRIBUTING.md"), find(source, "LICENSE")})
	licenses := find(source, "internal/command/licenses.txt")
	licenses.path = licensesName
	all = append(all, licenses)
	for _, m := range source {
		if strings.HasPrefix(m.path, "doc/") {
			all = append(all, m)
		}
	}
	return all, nil
}

// below returns the members of a folder, with their paths relative to it.
func below(all []member, folder string) []member {
	var some []member
	for _, m := range all {
		if rest, ok := strings.CutPrefix(m.path, folder+"/"); ok {
			m.path = rest
			some = append(some, m)
		}
	}
	return some
}

// find returns the member of a path, which must be there.
func find(all []member, path string) member {
	i := slices.IndexFunc(all, func(m member) bool { return m.path == path })
	if i < 0 {
		panic("packaging: internal error: there is no " + path)
	}
	return all[i]
}
