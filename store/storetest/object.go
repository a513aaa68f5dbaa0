package storetest

import (
	"maps"
	"slices"

	"haul.example/haul/checksum"
	"haul.example/haul/store"
)

// object is one stored state of a key.
type object struct {
	info        store.Object
	content     Content
	layout      []store.Part // nil for an object that was stored in one request
	tags        map[string]string
	annotations map[string][]byte
	customer    store.Secret
	restored    bool
	marker      bool // the key was deleted
}

// current returns the newest state of a key, or nil; m.mu is held.
func (b *bucket) current(key string) *object {
	all := b.objects[key]
	if len(all) == 0 || all[len(all)-1].marker {
		return nil
	}
	return all[len(all)-1]
}

// bucket finds a bucket and checks the key, if the call is about one; m.mu is held.
func (m *Memory) bucket(op Op, ref store.Ref) (*bucket, error) {
	b := m.buckets[ref.Bucket]
	switch {
	case b == nil:
		return nil, Refuse(op, ref, store.NoBucket, "The specified bucket does not exist")
	case len(ref.Key) > 1024:
		return nil, invalid(op, ref, "KeyTooLongError", "Your key is too long")
	case ref.Key == "" && op != Uploads:
		return nil, Refuse(op, ref, store.Invalid, "the key is empty")
	}
	return b, nil
}

// find returns the object that a request is about; m.mu is held.
func (m *Memory) find(op Op, ref store.Ref, ifMatch string, a *store.Attrs) (*object, error) {
	b, err := m.bucket(op, ref)
	if err != nil {
		return nil, err
	}
	if err := m.pays(op, ref, a); err != nil {
		return nil, err
	}
	o := b.current(ref.Key)
	if ref.Version != "" {
		o = b.version(ref)
		if o == nil {
			e := Refuse(op, ref, store.Changed, "The specified version does not exist.")
			e.Status, e.Code = 404, "NoSuchVersion"
			return nil, e
		}
	}
	switch {
	case o == nil:
		return nil, Refuse(op, ref, store.NotFound, "The specified key does not exist.")
	case ifMatch != "" && ifMatch != o.info.ETag:
		return nil, Refuse(op, ref, store.Changed, "At least one of the pre-conditions you specified did not hold")
	}
	return o, nil
}

func (b *bucket) version(ref store.Ref) *object {
	for _, o := range b.objects[ref.Key] {
		if o.info.Version == ref.Version && !o.marker {
			return o
		}
	}
	return nil
}

// pays denies requests that do not agree to pay, to a bucket that requires it.
func (m *Memory) pays(op Op, ref store.Ref, a *store.Attrs) error {
	if m.requesterPays && (a == nil || a.RequestPayer != "requester") {
		return Refuse(op, ref, store.Denied, "Access Denied")
	}
	return nil
}

// opens checks that a customer's key matches.
func (o *object) opens(op Op, key store.Secret) error {
	switch {
	case o.customer == key:
		return nil
	case o.customer == "" || key == "":
		return Refuse(op, o.info.Ref, store.Invalid,
			"The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
	}
	return Refuse(op, o.info.Ref, store.Denied, "Access Denied")
}

// readable refuses an object whose bytes are archived.
func (o *object) readable(op Op) error {
	if (o.info.StorageClass == "GLACIER" || o.info.StorageClass == "DEEP_ARCHIVE") && !o.restored {
		return Refuse(op, o.info.Ref, store.Archived, "The operation is not valid for the object's storage class")
	}
	return nil
}

// reported returns what a Get or Head reports, with no memory shared with the store.
func (o *object) reported() store.Object {
	info := o.info
	info.Sums = slices.Clone(info.Sums)
	info.Attrs.Metadata = maps.Clone(info.Attrs.Metadata)
	return info
}

// answer returns what the answer to a write reports.
func (o *object) answer() store.Object {
	return store.Object{
		Ref: o.info.Ref, Size: o.info.Size, ETag: o.info.ETag, Sums: slices.Clone(o.info.Sums), Encryption: o.info.Encryption,
	}
}

// newObject returns an object with content and the attributes that were asked for.
func newObject(ref store.Ref, c Content, a *store.Attrs) *object {
	o := &object{content: c}
	o.info = store.Object{Ref: store.Ref{Bucket: ref.Bucket, Key: ref.Key}, Size: c.Size(), Modified: modified()}
	if a == nil {
		return o
	}
	o.info.Attrs = store.Attrs{Headers: a.Headers, Metadata: maps.Clone(a.Metadata)}
	o.info.Encryption = encryption(a)
	if a.StorageClass != "STANDARD" {
		o.info.StorageClass = a.StorageClass
	}
	o.tags = maps.Clone(a.Tags)
	o.customer = a.Encryption.Customer.Key
	return o
}

// encryption returns how an object stored with a is encrypted, in the values of Object.
func encryption(a *store.Attrs) string {
	switch {
	case a == nil:
		return ""
	case a.Encryption.Customer.Key != "":
		return "SSE-C"
	}
	return a.Encryption.SSE
}

// set makes o the current object of its key; m.mu is held.
func (m *Memory) set(b *bucket, o *object) {
	key := o.info.Key
	o.info.MD5ETag = m.checks == AllChecksums
	if b.objects[key] == nil {
		b.sorted = nil
	}
	if !m.versioned {
		b.objects[key] = []*object{o}
		return
	}
	o.info.Version = m.id("version")
	b.objects[key] = append(b.objects[key], o)
}

// report returns those of its checksums that the store reports.
func (c Checksums) report(s sums, sent checksum.Algorithm) []checksum.Sum {
	a := sent
	if !c.Reports(a) {
		a = checksum.CRC64NVME // the store's own
	}
	if x := s[a]; c.Reports(a) && !x.IsZero() {
		return []checksum.Sum{x}
	}
	return nil
}

// free refuses a write over an object if there must not be one; m.mu is held.
func (b *bucket) free(op Op, ref store.Ref, noClobber bool) error {
	if noClobber && b.current(ref.Key) != nil {
		return Refuse(op, ref, store.Exists, "At least one of the pre-conditions you specified did not hold")
	}
	return nil
}

// Peek returns what the store records of an object, past all faults.
func (m *Memory) Peek(ref store.Ref) (store.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, err := m.find(Get, ref, "", &store.Attrs{RequestPayer: "requester"})
	if err != nil {
		return store.Object{}, err
	}
	return o.reported(), nil
}

// PartsOf returns the parts of a state of an object, past all faults; none if it was not stored in parts.
func (m *Memory) PartsOf(o store.Object) []store.Part {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, err := m.find(Layout, o.Ref, o.ETag, &store.Attrs{RequestPayer: "requester"}); err == nil {
		return slices.Clone(at.layout)
	}
	return nil
}
