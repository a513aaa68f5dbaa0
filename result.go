package haul

import (
	"time"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// Result reports what a transfer did.
type Result struct {
	// Object is the stored object at the other end.
	Object store.Object
	// Size is that of the whole, in bytes. Kept of it came from an earlier run and was verified again. Moved went over the
	// network, repeated bytes counted each time.
	Size, Kept, Moved int64
	Parts             int
	Retries           int
	Elapsed           time.Duration
	Proof             Proof
	// Digests are those that Digests of the options asked for, in that order; for a copy, those of them that are known.
	Digests []checksum.Sum
	// Modified is the modification time of the local file, or of the object that was copied; zero for a stream.
	Modified time.Time
	// PartSize is that of all parts but the last, in bytes, of an object that this call stored in parts; 0 if they differ.
	// Layout are those parts, if WantLayout of the options asked for them: ten thousand at most.
	PartSize int64
	Layout   []store.Part
}

// Proof says how the bytes at both ends are known to be the same.
type Proof struct {
	// Verified is false if no checksum was there to compare; Text then says why.
	Verified bool
	// Sum is the checksum that both sides agree on.
	Sum checksum.Sum
	// Text is one clause for people, such as "CRC64NVME of the full object, checked by the server".
	Text string
}
