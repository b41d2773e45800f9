package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"sluice/internal/ledger"
	"sluice/rollout"
)

// TestFate: only a process that was here and is gone is dead.
func TestFate(t *testing.T) {
	here := Here()
	self := here.Self()
	over := child(t)
	if err := over.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = over.Wait() // killed: that is its error
	tests := map[string]struct {
		change func(*rollout.Run)
		want   ledger.Fate
	}{
		"this process":          {func(*rollout.Run) {}, ledger.Alive},
		"gone":                  {func(r *rollout.Run) { r.PID = over.Process.Pid }, ledger.Dead},
		"gone, elsewhere":       {func(r *rollout.Run) { r.PID, r.Host = over.Process.Pid, "far-away" }, ledger.Alive},
		"gone, before a reboot": {func(r *rollout.Run) { r.PID, r.Boot = over.Process.Pid, "another" }, ledger.Alive},
		"gone, in a container":  {func(r *rollout.Run) { r.PID, r.PIDNS = over.Process.Pid, "pid:[1]" }, ledger.Alive},
		"no process":            {func(r *rollout.Run) { r.PID = 0 }, ledger.Alive},
		"no host":               {func(r *rollout.Run) { r.PID, r.Host = over.Process.Pid, "" }, ledger.Alive},
	}
	for name, test := range tests {
		run := self
		test.change(&run)
		if got := here.Fate(run); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestNumberUsedAgain: another process with the holder's number is not the
// holder.
func TestNumberUsedAgain(t *testing.T) {
	needsProc(t)
	run := Here().Self()
	run.PIDStarted += "0"
	if got := Here().Fate(run); got != ledger.Dead {
		t.Errorf("a process that was started at another time is %v", got)
	}
	run.PIDStarted = ""
	if got := Here().Fate(run); got != ledger.Alive {
		t.Errorf("a run that does not say when it was started is %v", got)
	}
}

// TestZombie: a process that has ended and that nobody waited for is dead.
func TestZombie(t *testing.T) {
	needsProc(t)
	zombie := child(t)
	run := Here().Self()
	run.PID = zombie.Process.Pid
	run.PIDStarted, _ = Here().look(run.PID)
	if got := Here().Fate(run); got != ledger.Alive {
		t.Fatalf("a process at work is %v", got)
	}
	if err := zombie.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for state := byte('?'); state != 'Z'; {
		stat, ok := Here().stat(run.PID)
		if !ok {
			t.Fatal("the kernel says nothing of a process that nobody waited for")
		}
		state = stat.state
	}
	if gone(run.PID) {
		t.Error("its number is free already: the test shows nothing")
	}
	if got := Here().Fate(run); got != ledger.Dead {
		t.Errorf("a zombie is %v", got)
	}
	_ = zombie.Wait() // killed: that is its error
}

// TestForeignProc: a /proc that shows another namespace's processes is not
// believed; the kernel is asked instead.
func TestForeignProc(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights")
	}
	dir := t.TempDir()
	if err := os.Symlink(strconv.Itoa(os.Getpid()+1), filepath.Join(dir, "self")); err != nil {
		t.Fatal(err)
	}
	pid := filepath.Join(dir, strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(pid, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pid, "stat"), fmt.Appendf(nil, "%d (x) Z 1", os.Getpid()), 0o644); err != nil {
		t.Fatal(err)
	}
	m := Machine{proc: dir}
	if started, there := m.look(os.Getpid()); started != "" || !there {
		t.Errorf("this process: started %q, there %v", started, there)
	}
}

// TestWithoutProc: where nothing but the number is known, a process that is gone
// is dead and one that is there is alive.
func TestWithoutProc(t *testing.T) {
	m := Machine{}
	self := m.Self()
	if self.Boot != "" || self.PIDNS != "" || self.PIDStarted != "" {
		t.Errorf("it knows %+v", self)
	}
	if got := m.Fate(self); got != ledger.Alive {
		t.Errorf("this process is %v", got)
	}
	over := child(t)
	if err := over.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = over.Wait() // killed: that is its error
	self.PID = over.Process.Pid
	if got := m.Fate(self); got != ledger.Dead && runtime.GOOS != "windows" {
		t.Errorf("a process that is gone is %v", got)
	}
}

// TestStatNames: a process's name may hold brackets and spaces.
func TestStatNames(t *testing.T) {
	needsProc(t)
	dir := t.TempDir()
	if err := os.Symlink(strconv.Itoa(os.Getpid()), filepath.Join(dir, "self")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "7"), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "7 (a) Z (b) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n"
	if err := os.WriteFile(filepath.Join(dir, "7", "stat"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, ok := (Machine{proc: dir}).stat(7); !ok || got != (status{state: 'S', started: "4711"}) {
		t.Errorf("%+v %v", got, ok)
	}
}

func TestSelf(t *testing.T) {
	a, b := Here().Self(), Here().Self()
	if a.ID == b.ID || a.PID != os.Getpid() {
		t.Errorf("%+v and %+v", a, b)
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil && (a.Boot == "" || a.PIDNS == "" || a.PIDStarted == "") {
		t.Errorf("it does not know itself: %+v", a)
	}
}

func needsProc(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
}

// asChild, when set, makes TestChild last until it is killed.
const asChild = "SLUICE_TEST_CHILD"

// child is a process of our own that lasts until it is killed.
func child(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), asChild+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() }) // ends it, if nothing else did
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestChild(t *testing.T) {
	if os.Getenv(asChild) == "" {
		t.Skip("run by other tests")
	}
	_, _ = os.Stdin.Read(make([]byte, 1)) // until killed, or the parent is gone
}
