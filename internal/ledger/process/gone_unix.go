//go:build unix

package process

import (
	"errors"
	"syscall"
)

// gone reports whether no process has that id. One that belongs to somebody
// else, and that /proc may hide, is there: the kernel answers EPERM.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
