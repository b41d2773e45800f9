//go:build !unix

package process

import "os"

// gone reports whether no process has that id.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	_ = p.Release() // a handle that is not needed any more
	return false
}
