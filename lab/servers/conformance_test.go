package servers_test

import (
	"testing"

	"haul.example/haul/checksum"
	"haul.example/haul/lab/servers"
	"haul.example/haul/store"
	"haul.example/haul/store/storetest"
)

// quirks are what the servers are known to do otherwise than package store promises. The suite notices when one gets better.
var quirks = map[servers.Kind]storetest.Conformance{
	servers.Versitygw: {
		KeyParentConflict: true, // its objects are files
		CleansKeys:        true,
		Refused:           []string{"/leading", "trailing/"},
		// A copied range is given the checksum of the whole source.
		CopyPartSpoilsSums: true,
		KeepsCutBodies:     true,
	},
	servers.MinIO: {
		Ignores:                 []checksum.Algorithm{checksum.SHA512, checksum.XXHASH3, checksum.XXHASH128, checksum.XXHASH64},
		SizeUnchecked:           true,
		CompleteTwiceIsNotFound: true,
		ExactUploadsPrefix:      true,
		NoEmptyPart:             true,
		CopyPartSpoilsSums:      true,
		Refused:                 []string{"two//slashes", "/leading", "trailing/", "a/../b", "./c"},
	},
	servers.SeaweedFS: { // 4.x
		SizeUnchecked:  true,
		Ignores:        []checksum.Algorithm{checksum.SHA512, checksum.XXHASH3, checksum.XXHASH128, checksum.XXHASH64},
		OldPartsListed: true,
		CleansKeys:     true,
		Refused:        []string{"two//slashes", "a/../b", "./c", "back\\slash"},
		PutOnly:        []string{"/leading", "trailing/"},
	},
	servers.Ceph: { // 16.2
		IgnoresChecksums: true,
		SizeUnchecked:    true,
		PartsUnchecked:   true,
		CompleteClobbers: true,
		NoLayout:         true,
		NoUploadTags:     true,
		CopiesUnpinned:   true,

		CompleteGoneIsUnavailable: true,
	},
}

func TestConformance(t *testing.T) {
	each(t, func(t *testing.T, s *servers.Server) {
		st, bucket := open(t, s), s.Bucket(t)
		storetest.Run(t, func(*testing.T) (store.Store, string) { return st, bucket }, quirks[s.Kind])
	})
}
