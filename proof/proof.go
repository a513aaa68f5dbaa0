// Package proof reports whether a delivery is whole, without moving it: by receipts, by manifests, and by what a store vouches for.
//
//	a transfer ends: its Record is a line of a receipt
//	later, for each file of a folder, line of a manifest, or Record of a receipt:
//	  ask the store what it vouches for (sums, ETag, metadata), and, where it takes that, how the object was cut into parts
//	  sum the file in just that way, or take the sum that the line names
//	  they are equal: OK, by that proof; they differ: BAD; nothing compares: UNPROVABLE, and why
//
// It proves bytes and not meaning, and no more than the store does: whoever can write to the bucket can forge what it vouches
// for. A receipt that is kept elsewhere holds against that, as far as its digests do.
package proof
