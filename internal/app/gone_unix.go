//go:build unix

package app

import (
	"errors"
	"syscall"
)

// gone reports whether no process has that id: only then its work is over.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
