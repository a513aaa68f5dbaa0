//go:build !race

package pace_test

const raced = false
