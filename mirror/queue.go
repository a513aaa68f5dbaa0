package mirror

import (
	"container/heap"
	"math"
)

// queue holds jobs that were found and have not started.
type queue struct {
	inOrder bool
	over    bool // no more will come
	n       int  // how many were put in
	waiting byTurn
}

// put adds a job or, if ok is false, records that there are no more.
func (q *queue) put(j job, ok bool) {
	if !ok {
		q.over = true
		return
	}
	size := j.entry.Size
	switch {
	case q.inOrder:
		size = 0
	case j.err != nil, j.skip != nil: // it only has to be reported
		size = math.MaxInt64
	}
	q.n++
	heap.Push(&q.waiting, waiter{j, size, q.n})
}

// take returns the next job.
func (q *queue) take() job { return heap.Pop(&q.waiting).(waiter).job }

// Len returns how many wait.
func (q *queue) Len() int { return len(q.waiting) }

// waiter is a job that waits: the largest comes first, and of equals the one that was found first.
type waiter struct {
	job  job
	size int64
	n    int
}

// byTurn is a heap.
type byTurn []waiter

func (b byTurn) Len() int { return len(b) }

func (b byTurn) Less(i, j int) bool {
	if b[i].size != b[j].size {
		return b[i].size > b[j].size
	}
	return b[i].n < b[j].n
}

func (b byTurn) Swap(i, j int) { b[i], b[j] = b[j], b[i] }

// Push is heap's.
func (b *byTurn) Push(x any) { *b = append(*b, x.(waiter)) }

// Pop is heap's.
func (b *byTurn) Pop() any {
	last := len(*b) - 1
	x := (*b)[last]
	(*b)[last] = waiter{}
	*b = (*b)[:last]
	return x
}
