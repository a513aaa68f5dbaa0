//go:build race

package pace_test

// raced reports that the race detector runs: it has nothing to find in the simulations, and makes them ten times as slow.
const raced = true
