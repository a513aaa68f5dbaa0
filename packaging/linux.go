package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

// description is of the packages; its first line stands alone.
const description = `move big sequencing files to and from S3, verified and resumable
haul moves big files, above all sequencing data (FASTQ, BAM, CRAM, VCF),
to and from Amazon S3 and S3-compatible servers. It transfers the parts
of files in parallel, resumes interrupted transfers, and verifies that
what arrived is what was sent.`

// linux writes the deb and the rpm of a program for Linux.
func (d dist) linux(p program) error {
	if p.os != "linux" {
		return nil
	}
	binary, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	for _, format := range []struct {
		packager nfpm.Packager
		files    func(*dist) ([]member, error)
	}{{deb.Default, (*dist).debFiles}, {rpm.DefaultRPM, (*dist).rpmFiles}} {
		all, err := format.files(&d)
		if err != nil {
			return err
		}
		all = append(all, member{"usr/bin/haul", binary, 0o755})
		info, err := d.info(p, all)
		if err != nil {
			return err
		}
		info = nfpm.WithDefaults(info)
		var out bytes.Buffer
		if err := format.packager.Package(info, &out); err != nil {
			return err
		}
		if err := d.write(format.packager.ConventionalFileName(info), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// info describes a package of these files, which it writes to the temporary folder, since nfpm reads them from there.
func (d dist) info(p program, all []member) (*nfpm.Info, error) {
	summary, _, _ := strings.Cut(description, "\n")
	info := &nfpm.Info{
		Name: "haul", Arch: p.arch, Platform: "linux", Version: d.release.packageVersion(), VersionSchema: "none",
		Section: "science", Priority: "optional", Maintainer: d.config.packager, Description: description, License: "Apache-2.0",
		MTime: d.release.time,
	}
	info.Recommends = []string{"ca-certificates"} // which TLS needs; a site may have its own
	info.Deb.Compression, info.RPM.Compression = "gzip:9", "gzip:9"
	info.RPM.BuildHost, info.RPM.Summary, info.RPM.Packager = "haul", summary, d.config.packager
	dir, err := os.MkdirTemp(d.work, "package-")
	if err != nil {
		return nil, err
	}
	for i, m := range sorted(all) {
		c := &files.Content{Destination: "/" + m.path, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: m.mode.Perm(), MTime: d.release.time}}
		if m.mode.IsDir() {
			c.Type = files.TypeDir
		} else {
			c.Source = filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(c.Source, m.data, 0o644); err != nil {
				return nil, err
			}
		}
		info.Contents = append(info.Contents, c)
	}
	return info, nil
}

// manuals returns the man pages, compressed as both kinds of package want them, and the completions for bash.
func (d dist) manuals() ([]member, error) {
	var all []member
	for _, m := range below(d.common, "man") {
		data, err := gzipped(m.data)
		if err != nil {
			return nil, err
		}
		all = append(all, member{"usr/share/man/" + m.path + ".gz", data, 0o644})
	}
	return append(all, member{"usr/share/bash-completion/completions/haul", find(d.common, "completions/haul.bash").data, 0o644}), nil
}

// documents returns the documents that README.md refers to, for a folder.
func (d dist) documents(folder string) []member {
	all := []member{find(d.common, "README.md"), find(d.common, "CHANGELOG.md"), find(d.common, "CONTRIBUTING.md")}
	for _, m := range below(d.common, "doc") {
		m.path = "doc/" + m.path
		all = append(all, m)
	}
	for i := range all {
		all[i].path = folder + "/" + all[i].path
	}
	return all
}

// debFiles returns the files of the deb but for the program.
func (d *dist) debFiles() ([]member, error) {
	all, err := d.manuals()
	if err != nil {
		return nil, err
	}
	const doc = "usr/share/doc/haul"
	changes, err := gzipped([]byte(d.debianChangelog()))
	if err != nil {
		return nil, err
	}
	return append(all, append(d.documents(doc),
		member{"usr/share/zsh/vendor-completions/_haul", find(d.common, "completions/_haul").data, 0o644},
		member{"usr/share/fish/vendor_completions.d/haul.fish", find(d.common, "completions/haul.fish").data, 0o644},
		member{doc + "/changelog.gz", changes, 0o644},
		member{doc + "/copyright", []byte(copyright), 0o644},
		member{doc + "/" + licensesName, find(d.common, licensesName).data, 0o644},
		member{"usr/share/lintian/overrides/haul", []byte(overrides), 0o644},
	)...), nil
}

// rpmFiles returns the files of the rpm but for the program.
func (d *dist) rpmFiles() ([]member, error) {
	all, err := d.manuals()
	if err != nil {
		return nil, err
	}
	const doc, licenses = "usr/share/doc/haul", "usr/share/licenses/haul/"
	return append(all, append(d.documents(doc),
		member{doc, nil, fs.ModeDir | 0o755}, // a folder belongs to a package, else it stays when that is removed
		member{doc + "/doc", nil, fs.ModeDir | 0o755}, member{doc + "/doc/adr", nil, fs.ModeDir | 0o755},
		member{doc + "/doc/recipes", nil, fs.ModeDir | 0o755}, member{doc + "/doc/schema", nil, fs.ModeDir | 0o755},
		member{strings.TrimSuffix(licenses, "/"), nil, fs.ModeDir | 0o755},
		member{"usr/share/zsh/site-functions/_haul", find(d.common, "completions/_haul").data, 0o644},
		member{"usr/share/fish/vendor_completions.d/haul.fish", find(d.common, "completions/haul.fish").data, 0o644},
		member{licenses + "LICENSE", find(d.common, "LICENSE").data, 0o644},
		member{licenses + licensesName, find(d.common, licensesName).data, 0o644},
	)...), nil
}

// debianChangelog returns the changelog of the package, which has only the version that it is. What changed is in CHANGELOG.md.
func (d dist) debianChangelog() string {
	return fmt.Sprintf("haul (%s) unstable; urgency=medium\n\n  * Built from commit %s.\n  * CHANGELOG.md lists what changed.\n\n -- %s  %s\n",
		d.release.packageVersion(), d.release.commit, d.config.packager, d.release.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}

// copyright is the copyright file of the deb.
const copyright = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: haul
Comment: The program also contains modules of others. They and their licenses are in
 /usr/share/doc/haul/` + licensesName + `.

Files: *
Copyright: 2026 the haul authors
License: Apache-2.0

License: Apache-2.0
 On Debian systems, the text of the Apache License, version 2.0, is in
 /usr/share/common-licenses/Apache-2.0.
`

// overrides says why lintian need not report what it would.
const overrides = `# Go links statically.
haul: statically-linked-binary [usr/bin/haul]
# It has the licenses of the modules in the program, which must go with it; some of them are the Apache License with a notice.
haul: extra-license-file [usr/share/doc/haul/` + licensesName + `]
`
