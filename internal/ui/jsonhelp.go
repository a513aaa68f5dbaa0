package ui

// JSONHelp documents what --json writes; it is also the source of the page in doc.
const JSONHelp = `With --json, haul prints one JSON object per line on standard output (on standard error if standard output carries an object's
bytes). Errors are also printed as text on standard error. Sizes are in bytes, durations in seconds, dates in UTC.

Every object has
  schema_version  2; it increases when a field changes its meaning or is removed. New fields and events do not increase it.
  event           one of the events below
  time            the time of the event

haul cp
  start     size if known. This and the following events, except progress, have verb (upload, download, copy), source and target
  kept      kept: this many bytes of an earlier run are in place, verified again, and not transferred
  note      text: something worth knowing
  retry     a request is retried: error, kind, wait_seconds
  progress  every second: done of size (no size: a stream), kept, safe (bytes that are kept if the run stops now), moved (on
            the wire, including repeated bytes), bytes_per_second, eta_seconds if known, elapsed_seconds, parts, parts_done,
            parts_in_flight, retries, throttled
  done      the transfer succeeded: size, kept, moved, parts, retries, elapsed_seconds,
            object {bucket, key, version, etag, encryption, storage_class}, proof {verified, algorithm, sum (base64), text};
            if verified is false, text says why. With --digest also digests, such as {"md5": in hex}
  stats     with --stats, the last event except for an error: limit {kind, text, advice} says what limited the run. The whole run's
            elapsed_seconds, moved, parts_done, requests, retries, throttled; cpu_seconds and cpu_seconds_per_gib of this
            process; cores available to it, and cores_busy, the share of them used by all programs; connections_most and
            connections_mean, at the same time. Waits: first_byte_seconds and answer_seconds, on average; and in total, summed
            over concurrent connections: read_seconds, write_seconds, sync_seconds (the local disk), ask_seconds (requests without
            payload), pause_seconds (before a retry), source_seconds and target_seconds (streams), memory_seconds,
            verify_seconds (reading again). Kinds of limit: too short, none, throttled, errors, cpu, disk read, disk write,
            source stream, target stream, memory, proof, answers, copy, concurrency, parts, connection, link

haul cp --recursive, mv --recursive, sync: start, kept, note, retry and done are about one object each; also
  failed    an object was not transferred: source, target, error, kind
  skipped   a source that cannot be read, such as a pipe or an archived object: source, error, kind
  deleted   source was deleted: verb (delete), why, and object {bucket, key} if it was an object
  planned   with --dryrun, what would be done: verb, source, target, size, why
  unchanged with --verbose: source did not need to be transferred: why
  warned    something worth knowing about source: error
  incomplete  a companion file of source (its R2, its index, or its data) is missing: why
  progress  instead of size, parts and eta_seconds has objects (transferred), objects_found (all_found: the listing is complete),
            objects_failed, objects_skipped, objects_not_verified, and if not zero objects_unchanged, objects_deleted,
            objects_planned, objects_incomplete
  summary   at the end, before an error if any: the same counts, size, kept, bytes_per_second, elapsed_seconds

haul uploads
  upload    one unfinished upload: upload {bucket, key, id, started, storage_class; parts and bytes with --parts}
  aborted   the same, after it was aborted

haul ls
  object    size, object {bucket, key, etag, storage_class, modified}
  prefix    prefix: a common prefix of keys (a folder)
  bucket    bucket: its name, created, region if the store reports it
  summary   with --summarize: objects, size

haul rm, haul rb --force
  deleted   an object was deleted: verb (delete), source, object {bucket, key}
  planned   with --dryrun: the same, for what would be deleted
  failed    an object was not deleted: object, error, kind
  summary   with --recursive: objects, objects_failed, with --dryrun objects_planned, elapsed_seconds

haul stat
  object    as with ls, and object {version, encryption}, checksums [{algorithm, sum (base64), of_parts: the number of parts, if
            it is a composite checksum}], kms_key_id, restore {ongoing, until}, headers, metadata, tags, layout [{number, size}]
  bucket    as with ls

haul sum
  sum       source, size, sums [{algorithm, hex, base64}]; with a part size also part_size, composite_sums likewise, and
            etag_of_parts; for an object also store_sums [{what: the algorithm, or etag; hex, base64; agrees, or why it cannot
            be compared}]

haul quickcheck
  checked   a file that is not ok, with --verbose every file: source, size, check {grade (ok, warn, bad, unreadable), format,
            findings [{bad, text}], unsure: why the end of an ok file could not be checked (such files are always printed),
            gap: true if a companion file is missing}
  progress  every second
  summary   checks {ok, warn, bad, unreadable, other, gaps, unsure}, size, elapsed_seconds

haul du
  usage     bucket, prefix, objects, size: the totals below the prefix, or those of the storage class named in class

haul verify
  verified  the result for one file: verdict (OK, MISSING, BAD, UNPROVABLE, EXTRA), name, size, source, target, text (by what it
            was verified, or why not), proof as with done if it is OK, but with MD5 and SHA in hex, bad_parts [{part, offset,
            length}] if known, download_settles: --download would settle it
  progress  as with cp --recursive
  summary   verdicts {ok, missing, bad, unprovable, extra}, proofs {by: how many files}, size (of what is OK), elapsed_seconds

haul run, on standard error because standard output belongs to the command: start, kept, note, retry, progress and done as with cp, and
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
            failure {exit_code, advice, kept_bytes, resumable, discard}; if resumable is true, the same command resumes from
            kept_bytes; the shell command in discard discards what was left behind`
