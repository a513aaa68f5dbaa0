// Command site builds the documentation site of haul from the documents in the repository:
//
//	the pages, their order and their names          pages.go
//	Markdown to HTML, links between documents       markdown.go, links.go
//	a page for each command, from its help          help.go
//	tables, results and recordings, drawn as SVG    pictures.go, bars.go, benchlinks.go, grid.go, cast.go
//	headings of a page, and the index for searches  outline.go
//	the frame of each page, styles, the search      page.go, assets/
//
// It needs no network. The same documents give the same bytes: there is no date and no path of the machine in them. The pages need no
// server, load nothing from elsewhere, and use a script only for searches.
//
// It is part of the module packaging because it reads help pages as man pages do (package helptext), and because the library that reads
// Markdown stays out of haul's go.mod there.
//
// With -record it runs a command instead, and records what it prints and when, for cast.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	root := flag.String("root", "..", "the checkout of haul")
	out := flag.String("out", "../site", "the folder to write to; it is replaced")
	cast := flag.String("record", "", "run the command that the arguments name, and record it in this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *cast != "" {
		err = record(ctx, *cast, flag.Args())
	} else {
		if err = build(*root, *out); err == nil {
			fmt.Println("wrote", filepath.Join(*out, "index.html"))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		stop()
		os.Exit(1)
	}
}

// build writes the site of a checkout into a folder.
func build(root, out string) error {
	s, err := read(root)
	if err != nil {
		return err
	}
	files, err := s.files()
	if err != nil {
		return err
	}
	if err := clear(out); err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// clear deletes an earlier site in out. It refuses a folder that holds anything else.
func clear(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(out, indexName)); err != nil {
			return fmt.Errorf("%s is not empty and has no %s: it is not an earlier site; delete it first", out, indexName)
		}
	}
	return os.RemoveAll(out)
}
