// Package haul moves objects between this machine and a store that speaks S3, in parallel parts, resumes what was broken
// off, and proves that what arrived is what was sent.
//
// A Client is made for a store and used from any number of goroutines:
//
//	s, err := s3.Open(ctx, s3.Config{})         // credentials and region as the AWS SDK finds them
//	c := haul.New(s, haul.Options{})            // no settings needed
//	r, err := c.Upload(ctx, "NA12878.bam", store.Ref{Bucket: "lab", Key: "runs/NA12878.bam"}, haul.Transfer{})
//	fmt.Println(r.Proof.Text)                   // "CRC64NVME of the full object, checked by the store"
//
// # The road of an upload
//
//	take the file's fingerprint (size, mtime, inode)
//	small: sum it, send it with its sum, done
//	find the record of an earlier run: list its parts, prove each against the local bytes
//	else open an upload, and write it down before the first part leaves
//	for each missing part: take memory, take a lane; read and sum; send with the sum
//	the file is still the same? combine the sums; complete with the sum of the whole
//
// # The road of a download
//
//	get the first range, and at the same time ask for the checksums
//	find the record of an earlier run: prove each range of its temporary file by the recorded sum
//	for each missing range: take memory, take a lane; get it, pinned to the ETag; sum and write at its offset
//	combine the sums; they must be what the store vouches for
//	sync, set the modification time, rename
//
// # What it does not promise
//
// It does not lock objects: two writers of one key are settled by the store, the later wins. It does not keep a stream that
// it could not store. Proof is of bytes, not of meaning: a truncated source arrives truncated. And if a store keeps no
// checksum, Proof.Proved is false and Proof.Text says why.
package haul
