package storetest_test

import (
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

func TestMemoryIsAStore(t *testing.T) {
	recent := []checksum.Algorithm{checksum.CRC64NVME, checksum.SHA512, checksum.XXHASH3, checksum.XXHASH128, checksum.XXHASH64}
	butMD5 := append(recent, checksum.CRC32C, checksum.CRC32, checksum.SHA256, checksum.SHA1)
	limits := storetest.Limits(store.Limits{MinPart: 20, MaxParts: 20})
	for name, x := range map[string]struct {
		opts []storetest.Option
		c    storetest.Conformance
	}{
		"S3":                {nil, storetest.Conformance{CompleteTwiceIsNotFound: true}},
		"versions":          {[]storetest.Option{storetest.Versioned(), storetest.CompleteTwice()}, storetest.Conformance{KeepsVersions: true}},
		"composite only":    {[]storetest.Option{storetest.Takes(storetest.CompositeChecksums), storetest.CompleteTwice()}, storetest.Conformance{Without: recent}},
		"MD5 only":          {[]storetest.Option{storetest.Takes(storetest.MD5Checksums), storetest.CompleteTwice()}, storetest.Conformance{Without: butMD5}},
		"no checksums":      {[]storetest.Option{storetest.Takes(storetest.NoChecksums), storetest.CompleteTwice()}, storetest.Conformance{Without: checksum.All(), SizeUnchecked: true}},
		"ignored checksums": {[]storetest.Option{storetest.Takes(storetest.IgnoredChecksums), storetest.CompleteTwice()}, storetest.Conformance{IgnoresChecksums: true, SizeUnchecked: true}},
		"deletes singly":    {[]storetest.Option{storetest.DeletesSingly(), storetest.CompleteTwice()}, storetest.Conformance{NoDeleteMany: true}},
		"no layout":         {[]storetest.Option{storetest.NoLayout(), storetest.CompleteTwice()}, storetest.Conformance{NoLayout: true}},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) (store.Store, string) {
				return storetest.New(append(x.opts, storetest.For(t), limits)...), storetest.Bucket
			}, x.c)
		})
	}
}
