// Package haul moves objects between this machine and a store that speaks S3: in parallel parts, resumed after an
// interruption, and verified, so that what arrived is what was sent.
//
//	s, err := s3.Open(ctx, s3.Config{})             // credentials and region as the AWS CLI finds them
//	c := haul.New(s, haul.Options{})                // no settings needed
//	to, err := store.Parse("s3://lab/runs/x.bam")
//	r, err := c.Upload(ctx, "x.bam", to, haul.UploadOptions{})
//	fmt.Println(r.Proof.Text)                       // "CRC64NVME of the full object, checked by the server"
//
// A call that can be resumed writes a record of itself on this machine, by default below ~/.local/state/haul: see "Resuming,
// and what is written where".
//
// A [Client] is for one store. It may be used by any number of goroutines, which share its connections, its memory and its
// patience: make one for each store, not one for each transfer. It holds nothing between calls that must be released, and has
// no Close. How many requests it makes at once follows from what the link, the machine and the store reward.
//
// # Uploading
//
// [Client.Upload] stores a file, [Client.UploadReaderAt] what an io.ReaderAt has, and [Client.UploadStream] what an io.Reader
// returns, of any length. All take [UploadOptions] and return a [Result].
//
//	take the file's fingerprint (size, mtime, inode)
//	small: compute its checksum, send both in one request, done
//	if an earlier run left a record: list its parts, verify each against the local bytes
//	else open an upload, and record it before the first part is sent
//	for each missing part: take memory, take a connection; read and sum; send with the checksum
//	if the file is still the same: combine the checksums; complete with that of the whole
//
// # Downloading
//
// [Client.Download] fetches an object into a file, which appears under its name when it is whole and verified;
// [Client.DownloadWriterAt] into an io.WriterAt, and [Client.DownloadStream] into an io.Writer, in order. All take
// [DownloadOptions]. [Client.ReadRange] reads a few bytes.
//
//	get the first range, and at the same time ask for the checksums
//	if an earlier run left a record: verify each range of its hidden file by the recorded checksum
//	for each missing range: take memory, take a connection; get it, pinned to the ETag; sum and write at its offset
//	combine the checksums; they must match what the store recorded
//	sync, set the modification time, rename
//
// # Copying, listing, deleting
//
// [Client.Copy] copies within the store, without moving bytes through this machine. [Client.List] and [Client.ListDir] list
// objects, [Client.DeleteAll] deletes many. Single requests (Head, Tags, Delete, buckets, and so on) are those of
// [Client.Store], which makes them with the client's retries. [Client.SameFile] and [Client.SameObject] compare two ends
// without moving them. One huge transfer over several machines: see [Distributed].
//
// # Trees
//
// This package moves one object at a time. Whole folders and prefixes are for package [haul.example/haul/mirror], which
// walks, lists, compares, filters, syncs, moves and deletes by a Client of this package. Package [haul.example/haul/proof]
// reports whether a delivery is whole, and writes receipts.
//
// # Progress
//
// [Client.Progress] reports on all transfers of a Client, OnProgress of the options on one (see [TransferProgress]).
// [Options].Observe is called with what happens: retries, notes for people, results. [Client.Stats] reports what the
// transfers waited for, and [Stats.Limit] what limited them. Nothing is printed or logged.
//
// # Errors
//
// Everything that comes from a store has a [store.Error] in its chain, with the server's own code, message and request ID, and
// a sentence of advice in Hint; its kind is for errors.Is. Transient errors were tried again for as long as [Options] allow
// before they are returned.
//
//	errors.Is(err, store.NotFound)         there is no such object; store.NoBucket, no such bucket
//	errors.Is(err, store.Denied)           not permitted; store.NoCredentials, store.Expired
//	errors.Is(err, store.Exists)           NoClobber, and the object exists
//	errors.Is(err, fs.ErrExist)            NoClobber, and the file exists
//	errors.Is(err, store.Changed)          the object changed meanwhile, or is not that of IfMatch or Listed
//	errors.Is(err, store.Archived)         the object must be restored before it can be read
//	errors.Is(err, store.Invalid)          the options or arguments make no sense
//	errors.Is(err, haul.ErrSourceChanged)  the local file changed while it was read
//	errors.Is(err, haul.ErrMismatch)       all bytes moved, and are not those that the store recorded
//	errors.Is(err, haul.ErrBusy)           another process does this very transfer now
//	errors.Is(err, haul.ErrTriedOut)       this one request fails although others get through
//
// What stays after a failure is for errors.As:
//
//	*haul.IncompleteUploadError            an open upload is in the store; Resumable if the same call resumes it
//	*haul.PartialFileError                 a hidden file is beside the target; the same call resumes it
//	*haul.PartsError                       parts of a Distributed must be moved again
//	*haul.UncertainDeleteError             the answer to a deletion was lost: the object may be there, or gone
//
// A context that ends is an error with its cause in the chain. One whose cause is [ErrStop] lets parts that are nearly sent
// finish, for three seconds at most.
//
// # Resuming, and what is written where
//
// A Download, and an Upload in parts, record what they do, so that the same call resumes after a failure, a kill or a reboot;
// [Client.Unfinished] lists such transfers and [Client.Resume] resumes one. Whatever was there before is verified, not
// trusted. UploadStream, UploadReaderAt and a Copy in parts cannot be resumed; they record only which upload to abort if
// they are killed, and a later call does that. Distribute* record nothing.
//
//	records        Options.StateDir; else $HAUL_STATE_DIR; else $XDG_STATE_HOME/haul; else ~/.local/state/haul
//	partial files  beside the target of a Download, hidden
//	huge streams   Options.SpoolDir; else os.TempDir; the files have no name, and are gone with the process
//
// A record has a line for each range of a download, and no secrets; it is removed when its transfer is done. If it cannot be
// written, a note to Observe says so, and the transfer does without. ResumeNever leaves nothing behind on failure.
//
// # What it does not promise
//
// It does not lock objects: if two clients write one key, the later one wins. It does not keep a stream that it could not
// store. It verifies bytes, not meaning: a truncated source arrives truncated. And if a store keeps no checksum,
// Proof.Verified is false and Proof.Text says why.
//
// # Stability
//
// This is version 0: names of this module may change from one version to the next, and CHANGELOG.md says how. What is on disk
// stays readable: records, plans and receipts of any earlier version.
package haul
