// Command scale works out what no test can try: how haul array cuts a petabyte in 100 million objects among 100 nodes, how even the shards
// are, and what slow and dying nodes make of it. The dealing out is haul's own code; the sizes and the nodes are drawn at random, always
// the same ones. doc/scale.md quotes what it prints.
//
//	go -C lab run ./scale [objects]
package main

import (
	"container/heap"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"

	"haul.example/haul/internal/array"
)

const (
	mb  = 1e6
	gib = 1 << 30
	cut = gib // as haul array plan has it
	// nodeRate is what a node moves, in bytes a second: a good half of 10 Gbit/s.
	nodeRate = 800 * mb
)

func main() {
	objects := 100_000_000
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil || n < 1 {
			fmt.Fprintln(os.Stderr, "scale: how many objects?")
			os.Exit(2)
		}
		objects = n
	}
	if err := plan(os.Stdout, min(objects, mostPlanned), 100); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
	report(os.Stdout, objects)
}

// mostPlanned bounds the objects of the plan that is really made.
const mostPlanned = 1_000_000

// report simulates, and prints.
func report(w io.Writer, objects int) {
	fmt.Fprintf(w, "%d objects, drawn from three kinds: 70 %% about 50 KB, 29.9 %% about 10 MB, 0.1 %% about 4 GB\n\n", objects)
	fmt.Fprintf(w, "%-34s %6s %12s %12s %12s\n", "dealt out by", "shards", "bytes", "objects", "time")
	var even []float64
	for _, shards := range []int{100, 300, 1000} {
		d := deal(objects, shards)
		for _, way := range d {
			fmt.Fprintf(w, "%-34s %6d %+11.3f%% %+11.3f%% %+11.3f%%\n", way.name, shards, way.over(way.bytes), way.over(way.count), way.over(way.cost))
		}
		if shards == 100 {
			fmt.Fprintf(w, "%-34s %.3f PB, %.1f million tasks, %d cut objects\n", "", sum(d[0].bytes)/1e15, sum(d[0].count)/1e6, d[0].shared)
		}
		even = append(even, sum(d[0].cost)/nodeRate)
	}
	fmt.Fprintf(w, "(the most loaded shard above the mean; time is bytes and %d MiB for each object)\n\n", array.PerObject>>20)
	fmt.Fprintf(w, "100 nodes of %.0f MB/s; ideal %.2f hours. Nodes differ by 10 %%, 2 %% of them have half the speed, 1 of 200 tasks dies.\n", nodeRate/mb, even[0]/100/3600)
	fmt.Fprintf(w, "%6s %14s %22s\n", "shards", "hours", "longer than ideal")
	for _, shards := range []int{100, 200, 300, 500, 1000, 3000} {
		t := makespan(even[0], shards, 100)
		fmt.Fprintf(w, "%6d %14.2f %21.1f%%\n", shards, t/3600, 100*(t/(even[0]/100)-1))
	}
}

// dealt is how much each shard got.
type dealt struct {
	name               string
	bytes, count, cost []float64
	shared             int
}

func (d *dealt) add(shard int, size int64) {
	d.bytes[shard] += float64(size)
	d.count[shard]++
	d.cost[shard] += float64(size) + array.PerObject
}

// over tells by how many percent the largest is above the mean.
func (d *dealt) over(v []float64) float64 {
	most := 0.0
	for _, x := range v {
		most = max(most, x)
	}
	return 100 * (most*float64(len(v))/sum(v) - 1)
}

func sum(v []float64) (s float64) {
	for _, x := range v {
		s += x
	}
	return s
}

// size draws the size of an object: the sizes of sequencing data, with an exponential tail of powers.
func size(r *rand.Rand) int64 {
	median, spread := 50e3, 1.5
	switch p := r.Float64(); {
	case p < 0.001:
		median, spread = 4e9, 0.8
	case p < 0.3:
		median, spread = 10*mb, 0.9
	}
	return int64(median * math.Exp(spread*r.NormFloat64()))
}

// deal deals the objects out by haul's Balance, and in two ways that one would think of first. Keys come in runs of one kind, as folders
// have them.
func deal(objects, shards int) []*dealt {
	ways := []*dealt{{name: "haul: by class, big ones cut"}, {name: "in turn, nothing cut"}, {name: "blocks of the listing, nothing cut"}}
	for _, d := range ways {
		d.bytes, d.count, d.cost = make([]float64, shards), make([]float64, shards), make([]float64, shards)
	}
	r := rand.New(rand.NewPCG(1, 2))
	balance := array.NewBalance(shards)
	var big []int64
	for i := range objects {
		n := size(r)
		ways[1].add(i%shards, n)
		ways[2].add(i*shards/objects, n)
		if n > cut {
			big = append(big, n)
			continue
		}
		ways[0].add(balance.Give(n), n)
	}
	var total int64
	for _, n := range big {
		total += n
	}
	each := min(max(total/int64(shards*64), cut/16), 8*gib)
	give := func(n int64) { ways[0].add(balance.Level(n), n) }
	for _, n := range big {
		for ; n >= each; n -= each {
			give(each)
		}
	}
	for _, n := range big {
		give(n % each)
	}
	ways[0].shared = len(big)
	return ways
}

// node is one node, free at a time.
type node struct{ free, speed float64 }

type nodes []node

func (n nodes) Len() int           { return len(n) }
func (n nodes) Less(i, j int) bool { return n[i].free < n[j].free }
func (n nodes) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *nodes) Push(x any)        { *n = append(*n, x.(node)) }
func (n *nodes) Pop() any {
	old := *n
	last := old[len(old)-1]
	*n = old[:len(old)-1]
	return last
}

// proveRate is how many times faster than moving it is to find that something is there and proves equal.
const proveRate = 5

// makespan gives the seconds until the last shard is done: work is the seconds of all of it on one good node. Whoever is free takes the
// next shard, as Slurm does; a task that dies, at any point, is queued again, and what it had done is proved and not moved.
func makespan(work float64, shards, machines int) float64 {
	const rounds = 200
	total := 0.0
	for round := range rounds {
		r := rand.New(rand.NewPCG(uint64(round), 7))
		var free nodes
		for range machines {
			speed := math.Exp(0.1 * r.NormFloat64())
			if r.Float64() < 0.02 {
				speed /= 2
			}
			free = append(free, node{speed: speed})
		}
		heap.Init(&free)
		queue := make([]float64, shards)
		for i := range queue {
			queue[i] = work / float64(shards)
		}
		last := 0.0
		for len(queue) > 0 {
			n := heap.Pop(&free).(node)
			need := queue[0]
			queue = queue[1:]
			if r.Float64() < 0.005 {
				done := need * r.Float64()
				n.free += done / n.speed
				queue = append(queue, need-done+done/proveRate)
			} else {
				n.free += need / n.speed
			}
			last = max(last, n.free)
			heap.Push(&free, n)
		}
		total += last
	}
	return total / rounds
}
