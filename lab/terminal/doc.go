// Package terminal looks at what haul shows in a real terminal, tmux, of several sizes.
package terminal
