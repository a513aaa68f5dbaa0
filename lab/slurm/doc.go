//go:build !linux

// Package slurm is about a real Slurm cluster, which is started on Linux only.
package slurm
