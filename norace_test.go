//go:build !race

package haul_test

const raced = false
