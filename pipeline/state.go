package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// The stores that state.store names.
const (
	StoreArtifact = "artifact"
	StoreGit      = "git"
	StoreS3       = "s3://" // followed by bucket/prefix
	StoreFile     = "file:" // followed by a directory
	storeForms    = `want artifact, git, s3://bucket/prefix or file:DIR`
	mostHistory   = 1000
	mostBranch    = 244 // bytes of a branch's name
)

// readState reads where state is kept; n is nil without the key.
func readState(w *walker, n *yaml.Node) State {
	s := State{Store: At[string]{Value: defaultStore}, Branch: defaultBranch, History: defaultHistory}
	if n == nil {
		return s
	}
	m, ok := w.mapping(n, "state", "store", "branch", "endpoint", "history", "refs", "branches")
	if !ok {
		return s
	}
	s.Store = readStore(w, m)
	s.Branch = readBranch(w, m)
	s.Endpoint = readEndpoint(w, m)
	s.History = m.whole("history", defaultHistory, 1, mostHistory)
	s.Refs = readRefs(w, m)
	checkUnused(w, m, s.Store.Value)
	return s
}

// checkUnused warns of keys that another store would read.
func checkUnused(w *walker, m mapping, store string) {
	warn := func(key, kind, beginning string) {
		if !m.has(key) || strings.HasPrefix(store, beginning) {
			return
		}
		p := warning(w.pos(m.node(key)), "%s: only %s stores use it; this file says store: %s", key, kind, shorten(store))
		p.Unread = beginning
		w.problems = append(w.problems, p)
	}
	warn("branch", "git", StoreGit)
	warn("endpoint", "s3", StoreS3)
}

// readStore reads state.store.
func readStore(w *walker, m mapping) At[string] {
	store := m.text("store")
	if !m.has("store") {
		return At[string]{Value: defaultStore}
	}
	if err := CheckStore(store.Value); store.Value != "" && err != nil {
		w.problem(store.Pos, "store: "+err.Error()+notFilled(store.Value))
	} else if filled := notFilled(store.Value); filled != "" {
		w.problem(store.Pos, "store: "+quote(store.Value)+" would be taken as it is"+filled)
	}
	return store
}

// CheckStore judges the syntax of a store's name, in the file or on the
// command line.
func CheckStore(store string) error {
	switch {
	case store == StoreArtifact, store == StoreGit:
		return nil
	case strings.HasPrefix(store, StoreFile):
		if strings.TrimSpace(strings.TrimPrefix(store, StoreFile)) == "" {
			return errors.New(`"file:" names no directory; want file:DIR, for example file:.sluice/state`)
		}
		return nil
	case strings.HasPrefix(store, StoreS3):
		return checkS3(strings.TrimPrefix(store, StoreS3))
	}
	return fmt.Errorf("%s is not known%s; %s", quote(store), didYouMean(store, []string{StoreArtifact, StoreGit}), storeForms)
}

// checkS3 judges what follows "s3://".
func checkS3(rest string) error {
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !bucketPattern().MatchString(bucket) || strings.Contains(bucket, "..") {
		return fmt.Errorf("%s is not a bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens; want s3://bucket/prefix", quote(bucket))
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if part == "." || part == ".." || strings.ContainsAny(part, "?#\\") || (part == "" && prefix != "") {
			return fmt.Errorf("%s is not a prefix; want s3://bucket/prefix with plain parts between the slashes", quote(prefix))
		}
	}
	return nil
}

// readRefs reads state.refs, or its older name state.branches.
func readRefs(w *walker, m mapping) []string {
	key := "refs"
	switch {
	case m.has("refs") && m.has("branches"):
		w.problem(w.pos(m.node("branches")), "branches: the older name of refs, which is there too; move its branches there")
	case m.has("branches"):
		key = "branches"
	}
	patterns := m.texts(key)
	for _, p := range patterns {
		checkRef(w, key, p)
	}
	return values(patterns)
}

// checkRef judges a branch, or a pattern of refs.
func checkRef(w *walker, key string, p At[string]) {
	plain := strings.ReplaceAll(p.Value, "*", "x")
	if isRef(plain) && plain != "refs/heads" && plain != "refs/tags" {
		return
	}
	w.problem(p.Pos, fmt.Sprintf("%s: %s is neither a branch's name nor a pattern of refs; want main, release/* or refs/tags/v*", key, quote(p.Value)))
}

// readBranch reads state.branch.
func readBranch(w *walker, m mapping) string {
	if !m.has("branch") {
		return defaultBranch
	}
	b := m.text("branch")
	checkBranch(w, "branch", b)
	return b.Value
}

// checkBranch judges a branch's name as git does.
func checkBranch(w *walker, key string, b At[string]) {
	if !isRef(b.Value) {
		w.problem(b.Pos, fmt.Sprintf("%s: %s is not a branch's name; want one such as sluice-state", key, quote(b.Value)))
	}
}

// isRef judges a name as git does.
func isRef(name string) bool {
	ok := branchPattern().MatchString(name) && len(name) <= mostBranch
	for _, bad := range []string{"..", "//", "@{"} {
		ok = ok && !strings.Contains(name, bad)
	}
	for part := range strings.SplitSeq(name, "/") {
		ok = ok && part != "" && part[0] != '.' && part[0] != '-' && !strings.HasSuffix(part, ".lock") && !strings.HasSuffix(part, ".")
	}
	return ok
}

// readEndpoint reads state.endpoint.
func readEndpoint(w *walker, m mapping) At[string] {
	e := m.text("endpoint")
	if e.Value == "" {
		return e
	}
	if err := driver.CheckEndpoint("endpoint", e.Value); err != nil {
		w.problem(e.Pos, err.Error())
	}
	return e
}
