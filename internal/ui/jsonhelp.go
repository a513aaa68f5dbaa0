package ui

// JSONHelp documents what --json writes; it is also the source of the page in doc.
const JSONHelp = `With --json, haul writes one JSON object a line on standard output (on standard error where standard output carries an
object). Errors are also written for people on standard error. Sizes are in bytes, times in seconds, dates in UTC.

Every object has
  schema_version  1; it grows when a field changes its meaning or goes away. New fields and events may come without it.
  event           one of those below
  time            when

haul cp
  start     size where it is known. This event and those that follow have verb (upload, download, copy), source and target,
            but for progress
  kept      kept: so many bytes of an earlier run are there, proved again, and not moved
  note      text: something worth knowing
  retry     a request is tried again: error, kind, wait_seconds
  progress  each second: done of size (no size: a stream), kept, safe (need not move again if the run stops now),
            moved (on the wire, repeated bytes too), bytes_per_second, eta_seconds where it can be known, elapsed_seconds, parts, parts_done, parts_in_flight, retries, throttled
  done      the end, well: size, kept, moved, parts, retries, elapsed_seconds,
            object {bucket, key, version, etag, encryption, storage_class}, proof {proved, algorithm, sum (base64), text};
            where proved is false, text says why. With --digest also digests, such as {"md5": in hex}
  stats     with --stats, the last event but an error: limit {kind, text, advice} says what limited the run. The whole run's
            elapsed_seconds, moved, parts_done, requests, retries, throttled; cpu_seconds and cpu_seconds_per_gib of this
            process; cores that it may use, and cores_busy, their share that all programs used; connections_most and
            connections_mean at once. Waits: first_byte_seconds and answer_seconds, on average; and in all, added up where
            they were side by side: read_seconds, write_seconds, sync_seconds (the local disk), ask_seconds (requests without
            payload), pause_seconds (before another try), source_seconds and target_seconds (streams), memory_seconds,
            prove_seconds (reading again). Kinds of limit: too short, none, throttled, errors, cpu, disk read, disk write,
            source stream, target stream, memory, proof, answers, copy, concurrency, parts, connection, link

haul cp --recursive, mv --recursive, sync: start, kept, note, retry and done are about one object each; and
  failed    an object was not copied: source, target, error, kind
  skipped   what is there but cannot be read, such as a pipe, or an object in an archive: source, error, kind
  deleted   source was deleted: verb (delete), why, and object {bucket, key} where it was one
  planned   with --dryrun: what would be done: verb, source, target, size, why
  unchanged with --verbose: there was nothing to do about source: why
  warned    something worth knowing about source: error
  incomplete  source lacks its R2, its index, or the data that it is an index of: why
  progress  has objects (that are copied), objects_found (all_found: there are no more), objects_failed, objects_skipped,
            objects_unproved, and where there are any objects_unchanged, objects_deleted, objects_planned, objects_incomplete, in
            place of size, parts and eta_seconds
  summary   the end, before the error where there is one: the same counts, size, kept, bytes_per_second, elapsed_seconds

haul uploads
  upload    one unfinished upload: upload {bucket, key, id, started, storage_class; parts and bytes with --parts}
  aborted   the same, after it was thrown away

haul ls
  object    size, object {bucket, key, etag, storage_class, modified}
  prefix    prefix: there are objects whose keys begin so
  bucket    bucket: its name, created, region where the store tells
  summary   with --summarize: objects, size

haul rm, haul rb --force
  deleted   it is gone: verb (delete), source, object {bucket, key}
  planned   with --dryrun: the same, of what would be deleted
  failed    object, error, kind: it is not
  summary   with --recursive: objects, objects_failed, with --dryrun objects_planned, elapsed_seconds

haul stat
  object    as with ls, and object {version, encryption}, checksums [{algorithm, sum (base64), of_parts: of how many parts' sums
            it is}], kms_key_id, restore {ongoing, until}, headers, metadata, tags, layout [{number, size}]
  bucket    as with ls

haul sum
  sum       source, size, sums [{algorithm, hex, base64}]; with a part size also part_size, composite_sums likewise, and
            etag_of_parts; of an object also store_sums [{what: the algorithm, or etag; hex, base64; agrees, or why that cannot
            be told}]
haul quickcheck
  checked   one file that is not good, and with --verbose every one: source, size, check {grade (ok, warn, bad, unreadable), format,
            findings [{bad, text}], unsure: why nothing is known of the end of one that is ok (it is told, too), gap: true where it is about a file that lacks beside it}
  progress  each second
  summary   checks {ok, warn, bad, unreadable, other, gaps, unsure}, size, elapsed_seconds

haul du
  usage     bucket, prefix, objects, size: of what is below the prefix, or of what of it has the storage class named in class

haul verify
  verified  what came of one file: verdict (OK, MISSING, BAD, UNPROVABLE, EXTRA), name, size, source, target, text (by which
            proof, or why not), proof as with done where it is OK, but with MD5 and SHA in hex, bad_parts [{part, offset, length}] where they can be told,
            download_settles: --download would settle it
  progress  as with cp --recursive
  summary   verdicts {ok, missing, bad, unprovable, extra}, proofs {by: how many files}, size (of what is OK), elapsed_seconds

haul run, on standard error, since standard output is the command's: start, kept, note, retry, progress and done as with cp, and
  run       the end, before the error where there is one: run is what run.json holds: schema_version, haul (its version), host, system,
            outcome (succeeded, failed, interrupted, skipped), why, command, program_sha256 (of a program that the line names by a
            path), inputs and streams [{source, path, size, state (ETag, or size and time), version, checksum}], outputs [{path, target,
            size, etag, version, checksum, proof}], wanted_outputs, began, ended, exit_code, signal, seconds {stage_in, wall,
            user_cpu, system_cpu, stage_out}, peak_memory_bytes (of the largest process), disk_bytes (of the work folder)

haul mb, haul rb, haul website, haul presign
  bucket          bucket: its name; it was made
  bucket_deleted  bucket: its name
  website         bucket, index_document, error_document
  address         url, good_seconds

All
  error     the end, badly: error, kind ("access denied", "no such bucket", "usage", "stopped", …),
            failure {exit_code, advice, kept_bytes, go_on, throw_away}; where go_on is true the same line goes on with
            kept_bytes, and the shell line in throw_away removes what was left behind`
