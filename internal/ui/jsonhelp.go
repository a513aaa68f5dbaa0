package ui

// JSONHelp documents what --json writes; it is also the source of the page in doc.
const JSONHelp = `With --json, haul prints one JSON object per line on standard output (on standard error if standard output carries an object's
data). Errors are also printed as text on standard error. --log FILE appends the events start, kept, note, retry,
done, failed, skipped, warned, incomplete, deleted, planned, summary and error to FILE, with or without --json. Sizes are in bytes, durations in seconds, dates in UTC.

Every object has
  schema_version  2; it increases when a field is removed or changes its meaning. New fields and events do not increase it.
  event           one of the events below
  time            the time of the event

haul cp
  start     size, if known. This and the following events, except progress, have verb (upload, download, copy), source and target
  kept      kept: the number of bytes from an earlier run that are already in place, were verified, and are not transferred again
  note      text: a message that is not an error
  retry     a request is retried: error, kind, wait_seconds
  progress  every second: done and size in bytes (no size: a stream), kept, safe (bytes that would survive if the run stopped now), moved
            (bytes sent or received, including retries), bytes_per_second, eta_seconds if known, elapsed_seconds, parts, parts_done,
            parts_in_flight, retries, throttled
  done      the transfer succeeded: size, kept, moved, parts, retries, elapsed_seconds,
            object {bucket, key, version, etag, encryption, storage_class}, proof {verified, algorithm, sum (base64), text};
            if verified is false, text explains why. With --digest also digests, such as {"md5": in hex}
  stats     with --stats, the last event except for an error: limit {kind, text, advice} names the bottleneck. For the whole run:
            elapsed_seconds, moved, parts_done, requests, retries, throttled; cpu_seconds and cpu_seconds_per_gib of this
            process; cores available to it, and cores_busy, the share of them used by all programs; connections_most and
            connections_mean, the maximum and mean number of concurrent connections. Waits: first_byte_seconds and answer_seconds, on average; and in total, summed
            over concurrent connections: read_seconds, write_seconds, sync_seconds (the local disk), ask_seconds (requests without
            payload), pause_seconds (before a retry), source_seconds and target_seconds (streams), memory_seconds,
            verify_seconds (reading data again to verify it). Kinds of limit: too short, none, throttled, errors, cpu, disk read, disk write,
            source stream, target stream, memory, proof, answers, copy, concurrency, parts, connection, link

haul cp --recursive, mv --recursive, sync: start, kept, note, retry and done each describe one object; also
  failed    an object was not transferred: source, target, error, kind
  skipped   a source that could not be read, such as a pipe or an archived object: source, error, kind
  deleted   source was deleted: verb (delete), why, and for an object, object {bucket, key}
  planned   with --dryrun, a planned operation: verb, source, target, size, why
  unchanged with --verbose, source did not need to be transferred: why
  warned    a warning about source: error
  incomplete  a companion file of source (its R2, its index, or its data) is missing: why
  progress  instead of size, parts and eta_seconds has objects (transferred), objects_found (all_found is true when the listing is complete),
            objects_failed, objects_skipped, objects_not_verified (not verified), and, if not zero, objects_unchanged, objects_deleted,
            objects_planned, objects_incomplete
  summary   at the end, before an error if any: the same counts, size, kept, bytes_per_second, elapsed_seconds

haul batch: what its commands write, and
  progress  every second: commands {total, done, failed}, done, kept and moved in bytes of all commands, and the rest as with cp
  error     a command failed: as below, with line: its number in the file. The last error has no line
  summary   at the end, before an error if any: commands, size, kept, elapsed_seconds. start, kept, note and retry have absolute paths

haul uploads
  upload    one unfinished upload: upload {bucket, key, id, started, storage_class; parts and bytes with --parts}
  aborted   the same, after it was aborted

haul ls
  object    size, object {bucket, key, etag, storage_class, modified}
  prefix    prefix: a common prefix of keys (a folder)
  bucket    bucket (its name), created, and region if the server reports it
  summary   with --summarize: objects, size

haul rm, haul rb --force
  deleted   an object was deleted: verb (delete), source, object {bucket, key}
  planned   with --dryrun: the same, for an object that would be deleted
  failed    an object was not deleted: object, error, kind
  summary   with --recursive: objects, objects_failed, with --dryrun objects_planned, elapsed_seconds

haul stat
  object    as with ls, plus object {version, encryption}, checksums [{algorithm, sum (base64), of_parts: the number of parts, for a
            composite checksum}], kms_key_id, restore {ongoing, until}, headers, metadata, tags, layout [{number, size}]
  bucket    as with ls

haul sum
  sum       source, size, sums [{algorithm, hex, base64}]; with a part size also part_size, composite_sums (the same form), and
            etag_of_parts; for an object also store_sums [{what: the algorithm, or etag; hex, base64; agrees, or why it cannot
            be compared}]

haul quickcheck
  checked   a file that is not ok; with --verbose, every file: source, size, check {grade (ok, warn, bad, unreadable), format,
            findings [{bad, text}], unsure: why the end of an ok file could not be checked (such files are always printed),
            gap: true if a companion file is missing}
  progress  every second
  summary   checks {ok, warn, bad, unreadable, other, gaps, unsure}, size, elapsed_seconds

haul doctor
  diagnosed  one check: diagnosis {name, grade (ok, warn, bad, or open: not tried, or not supported), found,
             advice: what to do, for warn and bad}

haul du
  usage     bucket, prefix, objects, size: the totals under the prefix, or those of the storage class in class

haul verify
  verified  the result for one file: verdict (OK, MISSING, BAD, UNPROVABLE, EXTRA), name, size, source, target, text (how it
            was verified, or why not), proof as with done if it is OK, but with MD5 and SHA in hex, bad_parts [{part, offset,
            length}] if known, download_settles: true if --download would decide it
  progress  as with cp --recursive
  summary   verdicts {ok, missing, bad, unprovable, extra}, proofs {method: number of files}, size (of the files that are OK), elapsed_seconds

haul run, on standard error, because standard output belongs to the command: start, kept, note, retry, progress and done as with cp, and
  run       at the end, before an error if any: run has the contents of run.json: schema_version, haul (its version), host, system,
            outcome (succeeded, failed, interrupted, skipped), why, command, program_sha256 (of a program given by its
            path), inputs and streams [{source, path, size, state (ETag, or size and time), version, checksum}], outputs [{path, target,
            size, etag, version, checksum, proof}], wanted_outputs, began, ended, exit_code, signal, seconds {stage_in, wall,
            user_cpu, system_cpu, stage_out}, peak_memory_bytes (of the largest process), disk_bytes (of the work folder)

haul mb, haul rb, haul website, haul presign
  bucket          bucket: the name of the created bucket
  bucket_deleted  bucket: the name of the deleted bucket
  website         bucket, index_document, error_document
  address         url, good_seconds

All
  error     the command failed: error, kind ("access denied", "no such bucket", "usage", "stopped", …),
            failure {exit_code, advice, kept_bytes, resumable, discard}; if resumable is true, the same command resumes after
            kept_bytes; discard is a shell command that discards the partial data; after a run over many objects that left
            more than ten of them it is absent`
