//go:build unix

package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/file"
	"sluice/internal/store/limit"
	"sluice/internal/store/storetest"
	"sluice/internal/work"
)

// hostile is a state folder with something beside it that must not be touched.
type hostile struct{ dir, outside string }

func (h hostile) in(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(h.dir, name)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// instead puts something in the place of what has that name.
func (h hostile) instead(name string, make func(t *testing.T, path string)) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		path := h.in(t, name)
		must(t, os.RemoveAll(path))
		make(t, path)
	}
}

func content(text string) func(*testing.T, string) {
	return func(t *testing.T, path string) { t.Helper(); must(t, os.WriteFile(path, []byte(text), 0o600)) }
}

func link(to string) func(*testing.T, string) {
	return func(t *testing.T, path string) { t.Helper(); must(t, os.Symlink(to, path)) }
}

func fifo(t *testing.T, path string) { t.Helper(); must(t, syscall.Mkfifo(path, 0o600)) }

func folder(t *testing.T, path string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(path, "x"), 0o700))
}

// sparse is a file of gigabytes that take no room.
func sparse(t *testing.T, path string) {
	t.Helper()
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Truncate(path, 8<<30))
}

// intact is an error once what lies outside was changed.
func (h hostile) intact() error {
	text, err := os.ReadFile(h.outside)
	if err == nil && string(text) != "not yours" {
		err = errors.New("it was overwritten")
	}
	return err
}

func (h hostile) damages() map[string]storetest.Damage {
	const web = "storefront/web.json"
	all := map[string]storetest.Damage{}
	for what, make := range map[string]func(*testing.T, string){
		"empty": content(""), "{}": content("{}"), "null": content("null"), "[]": content("[]"), "a text": content(`"text"`),
		"HTML": content("<html></html>"), "zeroes": content(string(bytes.Repeat([]byte{0}, 4096))),
		"deeply nested": content(strings.Repeat("[", 1<<20)), "a folder": folder, "a FIFO": fifo, "8 GB": sparse,
		"a link to /dev/zero": link("/dev/zero"), "a link to a file outside": link(h.outside), "a link to itself": link("web.json"),
		"a link to nothing": link("/nowhere"), "a link to another record": link("api.json"),
	} {
		all["the record is "+what] = storetest.Damage{Make: h.instead(web, make), Intact: h.intact}
	}
	for what, make := range map[string]func(*testing.T, string){
		"a FIFO": fifo, "a link to a file outside": link(h.outside), "a link to /dev/zero": link("/dev/zero"), "8 GB": sparse,
	} {
		for _, name := range []string{"web", "new"} {
			all["a leftover of "+name+" is "+what] = storetest.Damage{Make: h.instead("storefront/."+name+".json.tmp", make), Intact: h.intact, Harmless: true}
		}
	}
	for what, make := range map[string]func(*testing.T, string){
		"a file": content("{}"), "a FIFO": fifo, "a link to nothing": link("/nowhere"), "a link outside": link(filepath.Dir(h.outside)),
	} {
		all["the pipeline's folder is "+what] = storetest.Damage{Make: h.instead("storefront", make), Intact: h.intact}
		if what != "a link outside" { // people may put the state folder where they like
			all["the state folder is "+what] = storetest.Damage{Make: h.instead("", make), Intact: h.intact}
		}
	}
	for what, make := range map[string]func(*testing.T, string){
		"a FIFO": fifo, "a folder": folder, "a link to /dev/zero": link("/dev/zero"), "a link to nothing": link(filepath.Join(filepath.Dir(h.outside), "new")),
	} {
		all["the lock is "+what] = storetest.Damage{Make: h.instead(".lock", make), Intact: h.intact}
	}
	return all
}

func TestHostile(t *testing.T) {
	storetest.HostilePlace(t, func(t *testing.T) storetest.Place {
		beside := t.TempDir()
		h := hostile{dir: filepath.Join(t.TempDir(), "state"), outside: filepath.Join(beside, "outside.json")}
		must(t, os.WriteFile(h.outside, []byte("not yours"), 0o600))
		return storetest.Place{
			Open: func(*testing.T) store.Store {
				return limit.New(file.Open(h.dir), work.Clock{}, limit.Within(limit.Call))
			},
			Damages: h.damages(),
		}
	})
}

// TestStateFolderMayBeALink: where the folder lies is the user's choice.
func TestStateFolderMayBeALink(t *testing.T) {
	real := t.TempDir()
	dir := filepath.Join(t.TempDir(), "state")
	must(t, os.Symlink(real, dir))
	first := store.Entry{Key: web, Generation: 1, Data: []byte("{}")}
	saved, err := file.Open(dir).Commit(t.Context(), first)
	must(t, err)
	found, err := file.Open(real).Load(t.Context(), web)
	if err != nil || found[0].Version != saved[0].Version {
		t.Errorf("found %+v, %v", found, err)
	}
}
