//go:build race

package s3_test

// raced reports that the race detector runs, which allocates on its own account.
const raced = true
