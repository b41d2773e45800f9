package environment

import (
	"os"
	"path/filepath"
	"slices"
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

// atDesk is an environment of a clone in which git and gh say so, and what was masked.
func atDesk(t *testing.T, git, gh string) (e *Environment, masked []string) {
	t.Helper()
	bin := t.TempDir()
	for name, answer := range map[string]string{"git": git, "gh": gh} {
		said := filepath.Join(bin, name+".txt")
		if err := os.WriteFile(said, []byte(answer), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\ncat '"+said+"'\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	e = New([]string{"PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH")}, nil)
	e.AtDesk(t.Context(), func(secrets ...string) {
		if e.Get("GITHUB_TOKEN") != "" {
			t.Error("the token was there before it was masked")
		}
		masked = append(masked, secrets...)
	})
	return e, masked
}

// TestHostile: whatever git says, only the address of a repository is taken for one, and
// then nothing but its names; whatever gh says is masked whole before it is the token.
func TestHostile(t *testing.T) {
	for _, address := range []string{
		"", "nothing", "https://github.com/octo", "https://github.com/octo/shop/more", "https://github.com/octo/shop\n::error::x", "https://github.com/oc to/shop",
		"https://github.com/octo/sh\x1b[2Kop", "https://git\x07hub.com/octo/shop", "git@github.com:octo/shop?x=\u202e", "https://a@b@c/octo/shop", "file:///octo/shop",
		"https://github.com/octo/..%2f", "git@github.com:octo/" + strings.Repeat("\u200b", 1000),
	} {
		e, masked := atDesk(t, address, "token-of-ours")
		if got := e.Get("GITHUB_REPOSITORY"); got != "" || e.Get("GITHUB_API_URL") != "" || len(masked) != 0 {
			t.Errorf("%q is taken for the repository %q, at %q; masked %q", address, got, e.Get("GITHUB_API_URL"), masked)
		}
	}
	for _, token := range []string{"token-of-ours", "a\n::error::b", "a\x1b[2Kb", strings.Repeat("long", 10_000)} {
		e, masked := atDesk(t, "https://user:pass@ghe.example:8443/octo/shop.git\n", token+"\n")
		if got := e.Get("GITHUB_TOKEN"); got != token || !slices.Equal(masked, []string{token}) {
			t.Errorf("the token is %.80q, and masked are %.80q", got, masked)
		}
		if e.Get("GITHUB_REPOSITORY") != "octo/shop" || e.Get("GITHUB_API_URL") != "https://ghe.example/api/v3" || e.Get("GITHUB_SERVER_URL") != "https://ghe.example" {
			t.Errorf("it is %s at %s", e.Get("GITHUB_REPOSITORY"), e.Get("GITHUB_API_URL"))
		}
	}
}
