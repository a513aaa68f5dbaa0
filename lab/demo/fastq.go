package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
)

const readLength = 150 // bases, as most sequencers of short reads give

// fastq gives made-up reads that look like those of a sequencer: names that count through tiles, random bases, binned qualities.
// The same seed gives the same bytes. It ends with the first record that reaches size.
type fastq struct {
	size    int64
	random  *rand.PCG
	bases   [256][4]byte // four bases for every byte of randomness
	quality [256][4]byte
	given   int64
	reads   int64
	record  []byte // what was made and not read yet
	buffer  []byte
}

func newFASTQ(size int64, seed uint64) *fastq {
	f := &fastq{size: size, random: rand.NewPCG(seed, 0), buffer: make([]byte, 0, 1024)}
	pick := rand.New(rand.NewPCG(seed, 1))
	for i := range 256 {
		for j := range 4 {
			f.bases[i][j] = "ACGT"[i>>(2*j)&3]
			f.quality[i][j] = "FFFFFFFFFFFFFFFFFFFFFFFFFFF:::,#"[pick.IntN(32)]
		}
	}
	return f
}

// Read never gives an error but io.EOF.
func (f *fastq) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if len(f.record) == 0 {
			if f.given >= f.size {
				break
			}
			f.next()
			f.given += int64(len(f.record))
		}
		k := copy(b[n:], f.record)
		f.record = f.record[k:]
		n += k
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// next makes one record of four lines.
func (f *fastq) next() {
	x := f.random.Uint64()
	r := append(f.buffer[:0], "@A01234:42:HJ7WKDSXY:1:"...)
	r = strconv.AppendInt(r, 1101+f.reads/40000, 10) // tile
	r = append(r, ':')
	r = strconv.AppendUint(r, 1000+x%32000, 10)
	r = append(r, ':')
	r = strconv.AppendInt(r, 1000+f.reads%40000, 10)
	r = append(r, " 1:N:0:ATTACTCG\n"...)
	r = f.letters(r, &f.bases)
	r = append(r, "\n+\n"...)
	r = f.letters(r, &f.quality)
	r = append(r, '\n')
	f.reads++
	f.record = r
}

func (f *fastq) letters(r []byte, four *[256][4]byte) []byte {
	end := len(r) + readLength
	for len(r) < end {
		for x, i := f.random.Uint64(), 0; i < 8; i++ {
			r = append(r, four[byte(x>>(8*i))][:]...)
		}
	}
	return r[:end]
}

// sameBytes reads both to their ends and names the first difference.
func sameBytes(want, got io.Reader) (int64, error) {
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	var offset int64
	for {
		n, err := io.ReadFull(want, a)
		m, gotErr := io.ReadFull(got, b)
		if k := min(n, m); !bytes.Equal(a[:k], b[:k]) {
			i := 0
			for a[i] == b[i] {
				i++
			}
			return offset, fmt.Errorf("byte %d is %#x, not %#x", offset+int64(i), b[i], a[i])
		}
		offset += int64(min(n, m))
		if n != m {
			return offset, fmt.Errorf("lengths differ after %d bytes", offset)
		}
		if err != nil || gotErr != nil {
			return offset, ended(err, gotErr)
		}
	}
}

// ended gives the first error that is not the end of the data.
func ended(errs ...error) error {
	for _, err := range errs {
		if err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
	}
	return nil
}
