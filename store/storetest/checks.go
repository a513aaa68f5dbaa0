package storetest

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"slices"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// recent are the algorithms that S3 added since CompositeChecksums was all that there was.
var recent = []checksum.Algorithm{checksum.CRC64NVME, checksum.SHA512, checksum.XXHASH3, checksum.XXHASH128, checksum.XXHASH64}

// Agree returns the scheme of an upload for which want was requested.
func (c Checksums) Agree(want checksum.Scheme) checksum.Scheme {
	a := want.Algorithm
	switch {
	case a == checksum.None || c == NoChecksums:
		return checksum.Scheme{}
	case a == checksum.MD5 || c == MD5Checksums || c == OddETags:
		return checksum.Scheme{Algorithm: checksum.MD5, Kind: checksum.Composite}
	case c == CompositeChecksums && slices.Contains(recent, a):
		return checksum.Scheme{Algorithm: checksum.CRC32C, Kind: checksum.Composite}
	case c == CompositeChecksums || !a.CanCombine():
		return checksum.Scheme{Algorithm: a, Kind: checksum.Composite}
	case a == checksum.CRC64NVME || want.Kind == "":
		return checksum.Scheme{Algorithm: a, Kind: checksum.FullObject}
	}
	return want
}

// takes reports whether a sum by a may be sent.
func (c Checksums) takes(a checksum.Algorithm) bool {
	return a == checksum.None || c.Agree(checksum.Scheme{Algorithm: a}).Algorithm == a
}

// checks reports whether sums by a that are sent are compared with the bytes.
func (c Checksums) checks(a checksum.Algorithm) bool {
	switch c {
	case NoChecksums:
		return false
	case IgnoredChecksums:
		return a == checksum.MD5
	}
	return true
}

// Reports reports whether the store keeps sums by a and returns them; MD5s are returned as ETags only.
func (c Checksums) Reports(a checksum.Algorithm) bool {
	return a != checksum.None && a != checksum.MD5 && c.takes(a) && c.checks(a)
}

// sums are those of one run of bytes, by several algorithms.
type sums map[checksum.Algorithm]checksum.Sum

// algorithms returns those by which arriving bytes are summed, given what was sent with them.
func (m *Memory) algorithms(sent ...checksum.Algorithm) []checksum.Algorithm {
	var as []checksum.Algorithm
	if !m.discard && m.checks != NoChecksums {
		as = append(as, checksum.MD5)
	}
	if m.checks == AllChecksums {
		as = append(as, checksum.CRC64NVME)
	}
	for _, a := range sent {
		if a != checksum.None && !slices.Contains(as, a) {
			as = append(as, a)
		}
	}
	return as
}

// slice is how many bytes a Memory reads at a time.
const slice = 256 << 10

// most is how much memory is allocated before bytes arrive, in bytes.
const most = 64 << 20

// take reads r, which should have size bytes, to its end, sums it, and keeps it unless discard says so.
func take(r io.Reader, size int64, as []checksum.Algorithm, discard bool) (Content, sums, error) {
	hashes := make([]hash.Hash, len(as))
	for i, a := range as {
		hashes[i] = a.New()
	}
	room := max(size, 0) + 1 // one more than it should have: then the end is there at once
	if discard {
		room = min(room, slice)
	}
	kept := make([]byte, 0, min(room, most))
	size = 0
	for {
		kept = slices.Grow(kept, 1)
		buf := kept[len(kept):min(cap(kept), len(kept)+slice)]
		n, err := r.Read(buf)
		for _, h := range hashes {
			h.Write(buf[:n])
		}
		size += int64(n)
		if !discard {
			kept = kept[:len(kept)+n]
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, err
		}
	}
	s := sums{}
	for i, a := range as {
		s[a] = checksum.Of(a, hashes[i])
	}
	if discard {
		return discarded(size), s, nil
	}
	return bytesContent(kept), s, nil
}

// verify compares the sum that was sent with that of the bytes that arrived.
func (s sums) verify(op Op, ref store.Ref, sent checksum.Sum) error {
	if sent.IsZero() || s[sent.Algorithm] == sent {
		return nil
	}
	return Refuse(op, ref, store.Corrupt, fmt.Sprintf("the %s you sent is not that of the bytes received", sent.Algorithm))
}

// etag returns the MD5, or if MD5s are not to be returned, a string that does not look like one.
func (m *Memory) etag(s sums, enc string, count int) string {
	md5 := s[checksum.MD5]
	switch {
	case md5.IsZero():
		return m.id("state")
	case (enc == "" || enc == "AES256") && m.checks != OddETags:
		return md5.Hex() + dash(count)
	}
	// Objects that are encrypted otherwise have an ETag that looks like an MD5, but is not one.
	x := sha256.Sum256([]byte(md5.Value + m.id("secret")))
	return fmt.Sprintf("%x", x[:16]) + dash(count)
}

// dash returns the end of an ETag that has the number of parts; 0 is not a multipart upload.
func dash(count int) string {
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("-%d", count)
}

// whole returns the sum of an object from those of its parts.
func whole(s checksum.Scheme, parts []*part) (checksum.Sum, error) {
	if s.Kind == checksum.Composite {
		each := make([]checksum.Sum, len(parts))
		for i, p := range parts {
			each[i] = p.sums[s.Algorithm]
		}
		return checksum.Compose(each)
	}
	each := make([]checksum.Sized, len(parts))
	for i, p := range parts {
		each[i] = checksum.Sized{Sum: p.sums[s.Algorithm], Size: p.content.Size()}
	}
	return checksum.Combine(each)
}

// Checksums returns which checksums the store supports.
func (m *Memory) Checksums() Checksums {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.checks
}
