package check

import "sync"

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	max  int
	kept []byte
	cut  bool
}

// Write keeps p's end; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.max; over > 0 {
		t.kept, t.cut = append([]byte{}, t.kept[over:]...), true
	}
	return len(p), nil
}

// String is what was kept, and says if something was not.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut {
		return "[the beginning was cut]\n" + string(t.kept)
	}
	return string(t.kept)
}
