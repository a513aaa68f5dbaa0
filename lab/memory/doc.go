// Package memory measures how much memory haul takes for huge objects, as the system counts it for a whole process.
//
// The store sums what arrives and throws it away, and makes up what it gives, so that size costs only time: HAUL_BIG=1
// takes 50 GiB, else it is 3 GiB.
package memory
