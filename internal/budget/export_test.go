package budget

// Kept is how many bytes wait for the next taker, summed again.
func (b *Budget) Kept() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := int64(0)
	for size, bufs := range b.shelf.free {
		sum += size * int64(len(bufs))
	}
	if sum != b.shelf.kept {
		return -1
	}
	return sum
}

// Waiting is how many takers wait.
func (b *Budget) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.queue)
}
