//go:build race

package haul_test

// raced reports that the race detector runs, which allocates on its own account.
const raced = true
