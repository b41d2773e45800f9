package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// boot is the machine's boot id: "" where it has none. See random(4).
func (m Machine) boot() string {
	if m.proc == "" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(m.proc, "sys/kernel/random/boot_id"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// namespace is the namespace of this process's PID, as "pid:[4026531836]"; ""
// where there are none. See namespaces(7).
func (m Machine) namespace() string {
	if m.proc == "" {
		return ""
	}
	name, err := os.Readlink(filepath.Join(m.proc, "self/ns/pid"))
	if err != nil {
		return ""
	}
	return name
}

// ours reports whether m.proc shows the processes of our own PID namespace: a
// process that was given a namespace without a /proc of its own sees another's.
func (m Machine) ours() bool {
	self, err := os.Readlink(filepath.Join(m.proc, "self"))
	return err == nil && self == strconv.Itoa(os.Getpid())
}

// status is what the kernel says of a process.
type status struct {
	state   byte
	started string // in clock ticks since boot
}

// stat reads /proc/PID/stat, see proc_pid_stat(5): "PID (name) state …", and the
// 22nd field is when the process was started. The name may hold anything.
func (m Machine) stat(pid int) (status, bool) {
	if m.proc == "" || !m.ours() {
		return status{}, false
	}
	text, err := os.ReadFile(filepath.Join(m.proc, strconv.Itoa(pid), "stat"))
	if err != nil {
		return status{}, false
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const stateField, startField = 0, 22 - 3 // after the third one, which is the first behind the bracket
	if len(fields) <= startField || len(fields[stateField]) != 1 {
		return status{}, false
	}
	return status{state: fields[stateField][0], started: string(fields[startField])}, true
}
