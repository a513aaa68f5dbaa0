// Package proof checks that a delivery is complete and intact, without downloading it, using receipts, manifests, and the
// checksums that a store recorded.
//
//	a transfer ends: its Record becomes a line of a receipt
//	later, for each file of a folder, line of a manifest, or Record of a receipt:
//	  read what the store recorded (checksums, ETag, metadata) and, if needed, the sizes of the object's parts
//	  compute the same checksum of the file, or take the one in the line
//	  they are equal: OK, with the kind of proof; they differ: BAD; they cannot be compared: UNPROVABLE, with the reason
//
// It trusts the store's records: anyone who can write to the bucket can forge them. A receipt that is kept elsewhere protects
// against that, as far as its digests do.
package proof
