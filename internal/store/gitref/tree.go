package gitref

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"sluice/internal/store"
)

// Modes of a tree's entries, as GitHub writes them.
const (
	modeFile   = "100644"
	modeProg   = "100755"
	modeLink   = "120000"
	modeFolder = "040000"
)

// node is one entry of a tree.
type node struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	SHA  string `json:"sha"`
	Size int64  `json:"size"` // of a file, where GitHub says it
}

// tree is everything on the branch, by path: files, folders and what else git
// keeps.
type tree map[string]node

// newTree is what a recursive list holds, once that is proven to be the whole
// tree: git's name for it covers every entry, so that nothing can be missing.
func newTree(sha string, list []node) (tree, error) {
	t := tree{}
	for _, n := range list {
		if n.Path == "" || !isID(n.SHA) {
			return nil, errors.New("a tree with an entry that has no path or no id")
		}
		if _, twice := t[n.Path]; twice {
			return nil, fmt.Errorf("a tree with two entries %.100q", n.Path)
		}
		t[n.Path] = n
	}
	folders := t.folders()
	for folder := range folders {
		if folder != "" && t[folder].Mode != modeFolder {
			return nil, fmt.Errorf("a tree with entries in %.100q, which is no folder of it", folder)
		}
	}
	if got := t.id(folders[""]); got != sha {
		return nil, fmt.Errorf("a list of %d entries that is not the whole tree %s", len(list), sha)
	}
	for name, n := range t {
		if n.Mode == modeFolder && t.id(folders[name]) != n.SHA {
			return nil, fmt.Errorf("a list that is not the whole folder %.100q", name)
		}
	}
	return t, nil
}

// wholeOf is the tree of all files that there are, with the folders that follow.
func wholeOf(files []node) tree {
	t := tree{}
	for _, f := range files {
		t[f.Path] = f
		for in := path.Dir(f.Path); in != "."; in = path.Dir(in) {
			t[in] = node{Path: in, Mode: modeFolder}
		}
	}
	folders := t.folders()
	deepest := slices.SortedFunc(maps.Keys(folders), func(a, b string) int {
		return cmp.Or(strings.Count(b, "/")-strings.Count(a, "/"), cmp.Compare(b, a))
	})
	for _, in := range deepest {
		if in != "" {
			t[in] = node{Path: in, Mode: modeFolder, SHA: t.id(folders[in])}
		}
	}
	return t
}

// folders are the names in each folder; "" is the root.
func (t tree) folders() map[string][]string {
	folders := map[string][]string{}
	for name := range t {
		in := path.Dir(name)
		if in == "." {
			in = ""
		}
		folders[in] = append(folders[in], name)
	}
	return folders
}

// id is git's name for a folder with these entries: the digest of their modes,
// names and ids, folders sorted as if their names ended in a slash.
func (t tree) id(names []string) string {
	order := func(name string) string {
		if t[name].Mode == modeFolder {
			return name + "/"
		}
		return name
	}
	names = slices.SortedFunc(slices.Values(names), func(a, b string) int { return cmp.Compare(order(a), order(b)) })
	var text []byte
	for _, name := range names {
		id, err := hex.DecodeString(t[name].SHA)
		if err != nil {
			return "" // isID was asked
		}
		text = fmt.Appendf(text, "%s %s\x00", strings.TrimLeft(t[name].Mode, "0"), path.Base(name))
		text = append(text, id...)
	}
	return objectID("tree", text)
}

// root is git's name for the whole.
func (t tree) root() string { return t.id(t.folders()[""]) }

// with is the tree after files of ours were put in it; "" takes one away.
func (t tree) with(files map[string]string) tree {
	next := maps.Clone(t)
	if next == nil {
		next = tree{}
	}
	changed := map[string]bool{}
	for name, blob := range files {
		next[name] = node{Path: name, Mode: modeFile, SHA: blob}
		if blob == "" {
			delete(next, name)
		}
		if in := path.Dir(name); in != "." {
			changed[in] = true
			next[in] = node{Path: in, Mode: modeFolder}
		}
	}
	folders := next.folders()
	for in := range changed { // ours are one level deep
		next[in] = node{Path: in, Mode: modeFolder, SHA: next.id(folders[in])}
		if len(folders[in]) == 0 {
			delete(next, in) // git keeps no empty folders
		}
	}
	return next
}

// blob is the content of a record's file, "" where the branch proves that there
// is none. What stands there and is no plain file, or too long, is an error.
func (t tree) blob(k store.Key) (string, error) {
	if in, ok := t[k.Folder()]; ok && in.Mode != modeFolder {
		return "", fmt.Errorf("%s is %s, not a folder", k.Folder(), kindOf(in.Mode))
	}
	n, ok := t[k.Path()]
	switch {
	case !ok:
		return "", nil
	case n.Mode != modeFile && n.Mode != modeProg:
		return "", fmt.Errorf("%s is %s, not a plain file", n.Path, kindOf(n.Mode))
	case n.Size > store.MaxStored:
		return "", fmt.Errorf("%s has %d bytes, more than the %d a record may have", n.Path, n.Size, store.MaxStored)
	}
	return n.SHA, nil
}

func kindOf(mode string) string {
	switch mode {
	case modeFolder:
		return "a folder"
	case modeLink:
		return "a symbolic link"
	case "160000":
		return "a submodule"
	case modeFile, modeProg:
		return "a file"
	}
	return fmt.Sprintf("of the mode %.10q", mode)
}

// objectID is git's name for an object.
func objectID(kind string, content []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...))
	return hex.EncodeToString(sum[:])
}

// blobID is git's name for a file's content.
func blobID(text []byte) string { return objectID("blob", text) }

// isID reports whether s can be git's name for something.
func isID(s string) bool {
	if len(s) != 2*sha1.Size {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}
