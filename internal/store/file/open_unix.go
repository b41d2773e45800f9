//go:build unix

package file

import "syscall"

// carefully opens without following a link and without waiting for whoever
// would write into a FIFO.
const carefully = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
