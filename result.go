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
	// Size is the size of the object in bytes. Kept is the number of bytes that an earlier run transferred, verified again.
	// Moved is the number of bytes sent or received, including retries.
	Size, Kept, Moved int64
	Parts             int
	Retries           int
	Elapsed           time.Duration
	Proof             Proof
	// Digests are those that Digests in the options requested, in that order; for a copy, only those that the store recorded.
	Digests []checksum.Sum
	// Modified is the modification time of the local file, or of the object that was copied; zero for a stream.
	Modified time.Time
	// PartSize is the size of all parts but the last, in bytes, if this call stored the object in parts; 0 if they differ.
	// Layout is the list of these parts, at most ten thousand, if WantLayout in the options requested it.
	PartSize int64
	Layout   []store.Part
}

// Proof states how source and target were verified to be the same.
type Proof struct {
	// Verified is false if there was no checksum to compare; Text then gives the reason.
	Verified bool
	// Sum is the checksum that both sides agree on.
	Sum checksum.Sum
	// Text is one clause for people, such as "full-object CRC64NVME, checked by the server".
	Text string
}
