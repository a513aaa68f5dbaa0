// Package haul moves objects between this machine and a store that speaks S3, in parallel parts, resumes interrupted
// transfers, and verifies that what arrived is what was sent.
//
// A Client is made for one store and may be used by any number of goroutines:
//
//	s, err := s3.Open(ctx, s3.Config{})         // credentials and region as the AWS SDK finds them
//	c := haul.New(s, haul.Options{})            // no settings needed
//	r, err := c.Upload(ctx, "NA12878.bam", store.Ref{Bucket: "lab", Key: "runs/NA12878.bam"}, haul.transferOptions{})
//	fmt.Println(r.Proof.Text)                   // "CRC64NVME of the full object, checked by the store"
//
// # How an upload works
//
//	take the file's fingerprint (size, mtime, inode)
//	small: compute its checksum, send both in one request, done
//	if an earlier run left a record: list its parts, verify each against the local bytes
//	else open an upload, and record it before the first part is sent
//	for each missing part: take memory, take a lane; read and sum; send with the checksum
//	if the file is still the same: combine the checksums; complete with that of the whole
//
// # How a download works
//
//	get the first range, and at the same time ask for the checksums
//	if an earlier run left a record: verify each range of its temporary file by the recorded checksum
//	for each missing range: take memory, take a lane; get it, pinned to the ETag; sum and write at its offset
//	combine the checksums; they must match what the store recorded
//	sync, set the modification time, rename
//
// # What it does not promise
//
// It does not lock objects: if two clients write one key, the later one wins. It does not keep a stream that it could not
// store. It verifies bytes, not meaning: a truncated source arrives truncated. And if a store keeps no checksum,
// Proof.Verified is false and Proof.Text says why.
package haul
