// Package proof reports whether a delivery is complete, without moving it: by receipts, by manifests, and by the checksums that a
// store has recorded.
//
//	a transfer ends: its Record is a line of a receipt
//	later, for each file of a folder, line of a manifest, or Record of a receipt:
//	  read what the store has recorded (checksums, ETag, metadata) and, if that is needed, the sizes of the object's parts
//	  compute the same checksum of the file, or take the one in the line
//	  they are equal: OK, with the kind of proof; they differ: BAD; they cannot be compared: UNPROVABLE, with the reason
//
// It compares bytes, and trusts the store: anyone who can write to the bucket can forge what it has recorded. A receipt that is kept
// elsewhere protects against that, as far as its digests do.
package proof
