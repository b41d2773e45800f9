package gitref

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/internal/store"
)

// What git itself names things, so that our names and the stand-in's cannot be
// wrong alike: an empty tree; and "git mktree" of the entries below.
const (
	emptyTree  = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	emptyBlob  = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
	knownTree  = "f981746d54908e78a9f92e34ff4f427124824aaa"
	folderTree = "0c5b9a0409b8f21f73828d7232024f469e4f6794"
)

// entries are a README.md, a folder "a" with b.json, and the file "a.txt", which
// git sorts before the folder.
func entries() []node {
	return []node{
		{Path: "README.md", Mode: modeFile, SHA: emptyBlob},
		{Path: "a", Mode: modeFolder, SHA: folderTree},
		{Path: "a.txt", Mode: modeProg, SHA: emptyBlob},
		{Path: "a/b.json", Mode: modeFile, SHA: emptyBlob},
	}
}

func TestTreeHasGitsName(t *testing.T) {
	if blobID(nil) != emptyBlob || (tree{}).root() != emptyTree {
		t.Errorf("an empty file is %s, an empty tree %s", blobID(nil), tree{}.root())
	}
	whole, err := newTree(knownTree, entries())
	if err != nil {
		t.Fatal(err)
	}
	alone, err := newTree(whole.root(), entries())
	if err != nil || len(alone) != 4 {
		t.Errorf("%v, %v", alone, err)
	}
	next := tree{}.with(map[string]string{"README.md": emptyBlob, "a/b.json": emptyBlob})
	if next["a"].SHA != folderTree {
		t.Errorf("the folder of a new tree is %s, want %s", next["a"].SHA, folderTree)
	}
}

// TestNoPartOfATreeIsBelieved: whatever is missing, other or twice changes the
// name.
func TestNoPartOfATreeIsBelieved(t *testing.T) {
	for i := range entries() {
		less := append(entries()[:i:i], entries()[i+1:]...)
		if got, err := newTree(knownTree, less); err == nil {
			t.Errorf("without %s: %v", entries()[i].Path, got)
		}
		for name, change := range map[string]func(*node){
			"another id":   func(n *node) { n.SHA = emptyTree },
			"another mode": func(n *node) { n.Mode = "120000" },
			"another name": func(n *node) { n.Path += "x" },
			"no id":        func(n *node) { n.SHA = "" },
			"no path":      func(n *node) { n.Path = "" },
		} {
			list := entries()
			if change(&list[i]); list[i] == entries()[i] {
				continue
			}
			if got, err := newTree(knownTree, list); err == nil {
				t.Errorf("%s with %s: %v", entries()[i].Path, name, got)
			}
		}
		if got, err := newTree(knownTree, append(entries(), entries()[i])); err == nil {
			t.Errorf("%s twice: %v", entries()[i].Path, got)
		}
	}
}

func TestOnlyPlainFilesAreRecords(t *testing.T) {
	k := store.Key{Pipeline: "storefront", Target: "web"}
	folder := node{Path: "storefront", Mode: modeFolder}
	for want, list := range map[string][]node{
		"":                   {folder},
		"a symbolic link":    {folder, {Path: "storefront/web.json", Mode: "120000", SHA: emptyBlob}},
		"a submodule":        {folder, {Path: "storefront/web.json", Mode: "160000", SHA: emptyBlob}},
		"a folder":           {folder, {Path: "storefront/web.json", Mode: modeFolder, SHA: emptyTree}},
		"more than the":      {folder, {Path: "storefront/web.json", Mode: modeFile, SHA: emptyBlob, Size: store.MaxStored + 1}},
		"is a file, not a f": {{Path: "storefront", Mode: modeFile, SHA: emptyBlob}},
	} {
		all := tree{}
		for _, n := range list {
			all[n.Path] = n
		}
		blob, err := all.blob(k)
		if blob != "" || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v", want, blob, err)
		}
	}
}

func FuzzTree(f *testing.F) {
	good, err := json.Marshal(map[string]any{"sha": knownTree, "tree": entries(), "truncated": false})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"sha":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","tree":[]}`))
	f.Add([]byte(`{"sha":"4b825dc642cb6eb9a060e54bf8d69288fbee4904","tree":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var answer treeAnswer
		if json.Unmarshal(text, &answer) != nil || answer.Proven() != nil || answer.Truncated {
			return
		}
		if answer.whole == nil || answer.whole.root() != answer.SHA {
			t.Errorf("%q is believed as %v", text, answer.whole)
		}
	})
}
