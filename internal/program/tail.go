package program

import "sync"

// Tail keeps the end of what is written to it. It is safe for concurrent use.
type Tail struct {
	mu   sync.Mutex
	Max  int // bytes that are kept
	kept []byte
	cut  bool
}

// Write keeps p's end; it never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.Max; over > 0 {
		t.kept, t.cut = append([]byte{}, t.kept[over:]...), true
	}
	return len(p), nil
}

// String is what was kept, and says if something was not.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return "[the beginning was cut]\n" + string(t.kept)
	}
	return string(t.kept)
}
