// Package process says which process holds a lease, and whether the process
// that another lease names is still there. It tells a zombie, another process
// with the same number, another PID namespace, another boot and another machine
// apart; what it cannot tell counts as alive.
package process

import (
	"crypto/rand"
	"os"
	"strings"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// Machine is where processes are looked at.
type Machine struct {
	proc string // where /proc is; "" where there is none
}

// Here is the machine that this process runs on.
func Here() Machine { return Machine{proc: "/proc"} }

// Self is a run of this process, with an id that no other run has: what it does
// not know stays empty. The caller adds Name, Attempt, RunURL and Actor.
func (m Machine) Self() rollout.Run {
	host, _ := os.Hostname() // a lease without it is never taken for that of a process here, and still ends
	run := rollout.Run{
		ID:   "run-" + strings.ToLower(rand.Text()),
		Host: host, Boot: m.boot(), PID: os.Getpid(), PIDNS: m.namespace(),
	}
	run.PIDStarted, _ = m.look(run.PID)
	return run
}

// Fate tells what became of a run whose process was on this machine. Another
// host, another boot (the host may have been started anew, or another may have
// its name), another PID namespace, or a run that does not say: alive.
func (m Machine) Fate(run rollout.Run) ledger.Fate {
	self := m.Self()
	if run.PID <= 0 || run.Host == "" || run.Host != self.Host || run.Boot != self.Boot || run.PIDNS != self.PIDNS {
		return ledger.Alive
	}
	started, there := m.look(run.PID)
	if !there {
		return ledger.Dead
	}
	if run.PIDStarted != "" && started != "" && run.PIDStarted != started {
		return ledger.Dead // another process has its number now
	}
	return ledger.Alive
}

// look says when a process was started, "" where that cannot be told, and
// whether it is there at all. One that has ended and was not waited for is not.
func (m Machine) look(pid int) (started string, there bool) {
	if stat, ok := m.stat(pid); ok {
		return stat.started, stat.state != 'Z' && stat.state != 'X'
	}
	return "", !gone(pid)
}
