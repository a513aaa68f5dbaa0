// Package crash holds the crash harness, which is only tests: it kills the real haul program with SIGKILL at random moments, runs the
// same line again, and compares every byte.
//
// The other end is the store in memory behind its HTTP endpoint, which counts what crosses the wire and slows every connection, so that
// there is time to kill on any machine. Rounds and seed are taken from CRASH_ROUNDS and CRASH_SEED.
package crash
