package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// sbom writes the software bill of materials of a program, as CycloneDX JSON: the modules that Go recorded in it, and their licenses.
func (d dist) sbom(p program) error {
	data, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	licenses, err := licensesOf(string(find(d.common, licensesName).data))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	program := component(cdx.ComponentTypeApplication, p.info.Main.Path, p.info.Main.Version, "Apache-2.0")
	program.Name = "haul"
	program.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sum)}}
	properties := []cdx.Property{{Name: "go:version", Value: p.info.GoVersion}}
	for _, s := range p.info.Settings {
		properties = append(properties, cdx.Property{Name: "go:build:" + strings.TrimLeft(s.Key, "-"), Value: s.Value})
	}
	program.Properties = &properties
	parts := []cdx.Component{component(cdx.ComponentTypeLibrary, "std", strings.TrimPrefix(p.info.GoVersion, "go"), "BSD-3-Clause")}
	for _, m := range p.info.Deps {
		id := licenses[m.Path]
		if id == "" {
			return fmt.Errorf("%s has no license in %s", m.Path, licensesName)
		}
		parts = append(parts, component(cdx.ComponentTypeLibrary, m.Path, m.Version, id))
	}
	var refs []string
	for _, c := range parts {
		refs = append(refs, c.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = uuid(sum)
	bom.Metadata = &cdx.Metadata{Timestamp: d.release.time.Format("2006-01-02T15:04:05Z"), Component: &program}
	bom.Components = &parts
	bom.Dependencies = &[]cdx.Dependency{{Ref: program.BOMRef, Dependencies: &refs}}
	var b bytes.Buffer
	if err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return err
	}
	return d.write(d.base(p)+".cdx.json", b.Bytes())
}

// component returns a Go module as a component.
func component(kind cdx.ComponentType, path, version, license string) cdx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{Type: kind, BOMRef: url, PackageURL: url, Name: path, Version: version,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: license}}}}
}

// uuid makes a UUID of version 8 (RFC 9562, 5.8) from a sum, so that the same program has the same one.
func uuid(sum [32]byte) string {
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// licensesOf returns the SPDX identifiers of the licenses by module. text has sections: a line of equal signs, the modules, and after
// an empty line their license.
func licensesOf(text string) (map[string]string, error) {
	ids := map[string]string{}
	for _, section := range strings.Split(text, strings.Repeat("=", 80)+"\n")[1:] {
		modules, license, _ := strings.Cut(section, "\n\n")
		id, err := spdx(license)
		if err != nil {
			return nil, fmt.Errorf("the license of %s: %w", strings.ReplaceAll(modules, "\n", ", "), err)
		}
		for module := range strings.SplitSeq(modules, "\n") {
			ids[module] = id
		}
	}
	return ids, nil
}

// spdx recognizes a license by words that only it has.
func spdx(license string) (string, error) {
	text := strings.Join(strings.Fields(license), " ")
	for _, known := range []struct{ words, id string }{
		{"Apache License Version 2.0", "Apache-2.0"},
		{"Permission is hereby granted, free of charge", "MIT"},
		{"may be used to endorse or promote products derived from", "BSD-3-Clause"},
		{"Redistributions in binary form must reproduce the above copyright notice", "BSD-2-Clause"}, // which BSD-3-Clause has, too
	} {
		if strings.Contains(text, known.words) {
			return known.id, nil
		}
	}
	return "", fmt.Errorf("unknown: %.60q", text)
}
