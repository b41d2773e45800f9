//go:build !race

package storetest

// writers is how many commit at once.
const writers = 64
