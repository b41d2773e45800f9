package environment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNetrc: only a regular file is read.
func TestNetrc(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, ".netrc")
	passwords := func(environ ...string) []string {
		return New(environ, nil).Secrets()
	}
	if got := passwords("HOME=" + home); got != nil {
		t.Errorf("no file: %q", got)
	}
	if err := os.WriteFile(file, []byte("machine a\n login b\n password one-of-a\nmachine c password two-of-c password"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, environ := range []string{"HOME=" + home, "NETRC=" + file} {
		if got := strings.Join(passwords(environ), " "); got != "one-of-a two-of-c" {
			t.Errorf("%s: %q", environ, got)
		}
	}
	if got := passwords("NETRC=/dev/zero"); got != nil {
		t.Errorf("a device: %q", got)
	}
}

// TestAdded: what this process adds counts before what it was started with, and what
// leads to the emulators before both; the user's own stays known.
func TestAdded(t *testing.T) {
	e := New([]string{"A=old", "A=started", "B= padded\r\n", "TOKEN= secret\r\n"}, []string{"TOKEN"})
	for name, want := range map[string]string{"A": "started", "B": " padded\r\n", "TOKEN": "secret", "C": ""} {
		if got := e.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	e.Add("A", "added")
	e.Lead(map[string]string{"A": "imitated"})
	if got, own := e.Get("A"), e.Own("A"); got != "imitated" || own != "added" || !e.Imitated("imitated") || e.Imitated("added") {
		t.Errorf("it is %q, and the user's own %q", got, own)
	}
}
