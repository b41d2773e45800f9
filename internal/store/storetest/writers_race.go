//go:build race

package storetest

// writers is how many commit at once. Each that loses tries again, so that a quarter as many
// ask a sixteenth as often; what the race detector looks for shows among few.
const writers = 16
