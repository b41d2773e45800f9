//go:build !unix

package file

// carefully has no flags here: there are no FIFOs in the file system.
const carefully = 0
