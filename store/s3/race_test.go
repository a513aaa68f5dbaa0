//go:build race

package s3_test

// raced tells that the race detector runs, which allocates on its own account.
const raced = true
