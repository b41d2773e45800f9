//go:build !unix

package app

import "os"

// gone reports whether no process has that id: only then its work is over.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	_ = p.Release() // a handle that is not needed any more
	return false
}
