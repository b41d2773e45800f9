package file_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/file"
	"sluice/internal/store/storetest"
)

var web = store.Key{Pipeline: "storefront", Target: "web"}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		dir := filepath.Join(t.TempDir(), "deep", "state")
		return storetest.Harness{
			Open:    func(*testing.T) store.Store { return file.Open(dir, file.By("a test")) },
			Corrupt: func(t *testing.T, k store.Key, edit func([]byte) []byte) { corrupt(t, dir, k, edit) },
			Breaks: map[string]func(*testing.T) func(){
				"a file where the directory should be": func(t *testing.T) func() { return shadow(t, dir) },
				"a file where the pipeline should be":  func(t *testing.T) func() { return shadow(t, filepath.Join(dir, "storefront")) },
			},
			Writes: func() int { return changes(t, dir) },
		}
	})
}

func corrupt(t *testing.T, dir string, k store.Key, edit func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, k.Pipeline, k.Target+".json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, edit(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shadow puts a file where a directory is: unlike permissions, it stops root too.
func shadow(t *testing.T, dir string) (repair func()) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Rename(dir, dir+".aside"))
	must(os.WriteFile(dir, nil, 0o600))
	return func() {
		must(os.Remove(dir))
		must(os.Rename(dir+".aside", dir))
	}
}

// changes adds up the generations of all records: it rises with every write.
func changes(t *testing.T, dir string) int {
	t.Helper()
	total := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".lock" {
			return nil //nolint:nilerr // a place that does not exist has no changes
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		k, ok := store.KeyOfPath(filepath.ToSlash(relative))
		if found, err := store.Decode(k, text); ok && err == nil {
			total += int(found.Generation)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

func TestFilesAreReadableByPeople(t *testing.T) {
	dir := t.TempDir()
	s := file.Open(dir, file.By("run 7 of octocat/shop"))
	if _, err := s.Commit(t.Context(), store.Entry{Key: web, Generation: 1, Data: []byte(`{"release":{"id":"v1 <b>"}}`)}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "storefront", "web.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n  \"generation\": 1,\n", `"savedBy": "run 7 of octocat/shop"`, "\n      \"id\": \"v1 <b>\"\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the file lacks %q:\n%s", want, text)
		}
	}
	if want := filepath.Join(dir, "storefront", "web.json"); s.Where()[0].Location != want {
		t.Errorf("where is %v, want %s", s.Where(), want)
	}
}

func TestReformattedFileIsNotCorrupt(t *testing.T) {
	dir := t.TempDir()
	s := file.Open(dir)
	if _, err := s.Commit(t.Context(), store.Entry{Key: web, Generation: 1, Data: []byte(`{"a":[1,2]}`)}); err != nil {
		t.Fatal(err)
	}
	corrupt(t, dir, web, func(b []byte) []byte {
		return []byte(strings.ReplaceAll(strings.ReplaceAll(string(b), "\n", "\r\n"), "  ", "\t"))
	})
	entries, err := s.Load(t.Context(), web)
	if err != nil || string(entries[0].Data) != `{"a":[1,2]}` {
		t.Errorf("reformatted file: %v, %+v", err, entries)
	}
}

func TestConflictNamesTheWinner(t *testing.T) {
	dir := t.TempDir()
	first := store.Entry{Key: web, Generation: 1, Data: []byte("{}")}
	if _, err := file.Open(dir, file.By("run 8")).Commit(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	_, err := file.Open(dir, file.By("run 9")).Commit(t.Context(), first)
	if !store.IsConflict(err) || !strings.Contains(err.Error(), "run 8") {
		t.Errorf("error %v, want a conflict that names run 8", err)
	}
}

func TestUnreadableFileNamesItselfAndARemedy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "storefront", "web.json")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := file.Open(dir).Load(t.Context(), web)
	if !store.IsUnreadable(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--store file:DIR") {
		t.Errorf("error %v, want one that names %s and the remedy", err, path)
	}
}

// TestMadeMeanwhile: a folder that another process makes while it is looked for is no
// link to nothing.
func TestMadeMeanwhile(t *testing.T) {
	for range 300 {
		dir := filepath.Join(t.TempDir(), "state")
		made := make(chan error, 1)
		go func() { made <- os.MkdirAll(dir, 0o755) }()
		if _, err := file.Open(dir).Load(t.Context(), store.Key{Pipeline: "shop", Target: "web"}); err != nil {
			t.Fatal(err)
		}
		if err := <-made; err != nil {
			t.Fatal(err)
		}
	}
}
