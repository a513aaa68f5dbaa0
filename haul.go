// Package haul moves objects between this machine and Amazon S3 or an S3-compatible server (both are called a store here). It
// transfers parts in parallel, resumes after an interruption, and verifies that the data arrived intact.
//
//	s, err := s3.Open(ctx, s3.Config{})             // credentials and region as the AWS CLI finds them
//	c := haul.New(s, haul.Options{})                // no settings needed
//	to, err := store.Parse("s3://lab/runs/x.bam")
//	r, err := c.Upload(ctx, "x.bam", to, haul.UploadOptions{})
//	fmt.Println(r.Proof.Text)                       // "full-object CRC64NVME, checked by the server"
//
// A call that can be resumed writes a record on this machine, by default under ~/.local/state/haul: see "Resuming, and what
// is written where".
//
// A [Client] is for one store. It may be used by any number of goroutines, which share its connections, its memory limit and
// its retry limits: make one for each store, not one for each transfer. Between calls it holds nothing that must be released,
// so it has no Close. It measures how many concurrent requests the network, the machine and the store can use.
//
// # Uploading
//
// [Client.Upload] uploads a file, [Client.UploadReaderAt] the contents of an io.ReaderAt, and [Client.UploadStream] an
// io.Reader of any length. All take [UploadOptions] and return a [Result].
//
//	take the file's fingerprint (size, mtime, inode)
//	small: compute its checksum, send both in one request, done
//	if an earlier run left a record: list its parts, verify each against the local bytes
//	else open an upload, and record it before the first part is sent
//	for each missing part: take memory, take a connection; read it and compute its checksum; send both
//	if the file is unchanged: combine the checksums; complete the upload with that of the whole
//
// # Downloading
//
// [Client.Download] downloads an object to a file, which appears under its name once it is complete and verified;
// [Client.DownloadWriterAt] downloads to an io.WriterAt, and [Client.DownloadStream], sequentially, to an io.Writer. All take
// [DownloadOptions]. [Client.ReadRange] reads a few bytes.
//
//	get the first range, and at the same time ask for the checksums
//	if an earlier run left a record: verify each range of its hidden file against the recorded checksum
//	for each missing range: take memory, take a connection; get it, pinned to the ETag; compute its checksum; write it at its offset
//	combine the checksums; the result must match the checksum that the store recorded
//	sync, set the modification time, rename
//
// # Copying, listing, deleting
//
// [Client.Copy] copies on the server, without downloading; [Client.CopyFrom] copies from the store of another Client, through memory,
// and resumes like an upload. [Client.List] and [Client.ListDir] list objects;
// [Client.DeleteAll] deletes many. For single requests (Head, Tags, Delete, buckets, and so on) use [Client.Store], which
// retries them as the client does. [Client.SameFile] and [Client.SameObject] compare source and target without transferring
// either. To spread one huge transfer over several machines, see [Distributed].
//
// # Folders and prefixes
//
// This package moves one object at a time. For whole folders and prefixes use package [haul.example/haul/mirror], which
// walks, lists, compares, filters, syncs, moves and deletes, using a Client of this package. Package
// [haul.example/haul/proof] checks that a delivery is complete and intact, and writes receipts.
//
// # Progress
//
// [Client.Progress] reports on all transfers of a Client; OnProgress in the options reports on one (see [TransferProgress]).
// [Options].Observe is called with each event: retries, notes for people, results. [Client.Stats] reports how long transfers
// waited for each resource, and [Stats.Limit] names the bottleneck. Nothing is printed or logged.
//
// # Errors
//
// Every error from a store has a [store.Error] in its chain, with the server's own code, message and request ID, and a
// sentence of advice in Hint; test its kind with errors.Is. Transient errors are returned only after retries for as long as
// [Options] allow.
//
//	errors.Is(err, store.NotFound)            there is no such object; store.NoBucket, no such bucket
//	errors.Is(err, store.Denied)              not permitted; store.NoCredentials, store.Expired
//	errors.Is(err, store.Exists)              NoClobber, and the object exists
//	errors.Is(err, fs.ErrExist)               NoClobber, and the file exists
//	errors.Is(err, store.Changed)             the object changed during the transfer, or does not match IfMatch or Listed
//	errors.Is(err, store.Archived)            the object must be restored before it can be read
//	errors.Is(err, store.Invalid)             the options or arguments are not valid
//	errors.Is(err, haul.ErrSourceChanged)     the local file changed while it was read
//	errors.Is(err, haul.ErrMismatch)          all bytes arrived, but they do not match the recorded checksum
//	errors.Is(err, haul.ErrBusy)              another process is running the same transfer
//	errors.Is(err, haul.ErrRetriesExhausted)  this request keeps failing although others succeed
//
// To find out what a failed call left behind, use errors.As:
//
//	*haul.IncompleteUploadError               an open upload remains in the store; Resumable if the same call resumes it
//	*haul.PartialFileError                    a hidden file remains beside the target; the same call resumes it
//	*haul.PartsError                          parts of a Distributed must be transferred again
//	*haul.UncertainDeleteError                the response to a deletion was lost: the object may or may not exist
//
// When a context ends, the call returns an error with the context's cause in its chain. If the cause is [ErrStop], parts that
// are nearly sent may finish, for at most three seconds.
//
// # Resuming, and what is written where
//
// A Download, and an Upload in parts, record their progress, so that the same call resumes after a failure, a kill or a
// reboot; [Client.Unfinished] lists such transfers and [Client.Resume] resumes one. Data from an earlier run is verified, not
// trusted. UploadStream, UploadReaderAt and a Copy in parts cannot be resumed. They record only the upload to abort if they
// are killed, and a later call aborts it. The Distribute methods record nothing.
//
//	records        Options.StateDir; else $HAUL_STATE_DIR; else $XDG_STATE_HOME/haul; else ~/.local/state/haul
//	partial files  beside the target of a Download, hidden
//	huge streams   Options.SpoolDir; else os.TempDir; the files have no name, and are gone with the process
//
// A record has a line for each range of a download, and no secrets; it is removed when its transfer is done. If it cannot be
// written, Observe gets a note, and the transfer continues without a record. ResumeNever leaves nothing behind on failure.
//
// # What it does not promise
//
// It does not lock objects: if two clients write the same key, the later one wins. It does not keep the data of a stream that
// it could not store. It verifies bytes, not meaning: a truncated source arrives truncated. And if a store keeps no checksum,
// Proof.Verified is false and Proof.Text gives the reason.
//
// # Stability
//
// This is version 0: names in this module may change from one version to the next; CHANGELOG.md lists the changes. Files on
// disk stay readable: records, plans and receipts of every earlier version.
package haul
