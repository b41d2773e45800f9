package store

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
)

// MaxRecord is the most bytes a record may have, as compact JSON. Every store
// refuses more, so that records can move between stores.
const MaxRecord = 8 << 20

// MaxStored is the most bytes a record has in its envelope, whatever its
// layout: the most that a store needs to read.
const MaxStored = MaxRecord + 64<<10

// name is how everything in a pipeline file is named. It leaves no room for
// path separators, dots or characters that an address would have to escape.
var name = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`) })

// Check reports whether the key's names may become file names, object keys and
// parts of artifact names.
func (k Key) Check() error {
	if err := CheckName("pipeline", k.Pipeline); err != nil {
		return err
	}
	switch k.Kind {
	case KindTarget, KindHistory:
		return CheckName("target", k.Target)
	case KindPromotion, KindRun, KindIndex:
		return checkID(k.Kind, k.Target)
	default:
		return fmt.Errorf("%q is no kind of entry", k.Kind)
	}
}

// Folder is where entries of the kind are kept, in stores that have folders: each
// kind of a pipeline has one of its own, so that a list of the targets' reads
// nothing else.
func (k Key) Folder() string {
	if k.Kind == KindTarget {
		return k.Pipeline
	}
	return k.Pipeline + "." + k.Kind // no name has a dot
}

// Path is where the entry is kept, in stores that have folders.
func (k Key) Path() string { return k.Folder() + "/" + k.Target + ".json" }

// KeyOfPath is the entry that a path is of, if any.
func KeyOfPath(path string) (Key, bool) {
	folder, file, both := strings.Cut(path, "/")
	name, ok := strings.CutSuffix(file, ".json")
	pipeline, kind, _ := strings.Cut(folder, ".")
	k := Key{Pipeline: pipeline, Kind: kind, Target: name}
	return k, ok && both && k.Check() == nil && k.Path() == path
}

// Kinds are the kinds of entries.
func Kinds() []string { return []string{KindTarget, KindPromotion, KindRun, KindHistory, KindIndex} }

// SortKeys sorts the keys of one kind as List returns them.
func SortKeys(keys []Key) {
	sort.Slice(keys, func(i, j int) bool { return keys[i].Target < keys[j].Target })
}

// id is how entries are named that no pipeline file names.
var id = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) })

func checkID(kind, s string) error {
	if id().MatchString(s) {
		return nil
	}
	return fmt.Errorf("%s %q: lower-case letters, digits and hyphens, at most 63 characters", kind, s)
}

// CheckName refuses a name that a store must not turn into a path. what says
// in the error what is named.
func CheckName(what, s string) error {
	if name().MatchString(s) {
		return nil
	}
	return fmt.Errorf("%s name %q: lower-case letters, digits and hyphens, starting with a letter, at most 63 characters", what, s)
}

// CheckKeys is what a store does first in Load.
func CheckKeys(keys []Key) error {
	for _, k := range keys {
		if err := k.Check(); err != nil {
			return &UnreadableError{Key: k, Op: "read", Err: err, Remedy: "use the name that the pipeline file has"}
		}
	}
	return nil
}

// CheckList is what a store does first in List.
func CheckList(pipeline, kind string) error {
	if err := CheckName("pipeline", pipeline); err != nil {
		return &UnreadableError{Op: "list", Err: err, Remedy: "use the name that the pipeline file has"}
	}
	if !slices.Contains(Kinds(), kind) {
		return &UnreadableError{Op: "list", Err: fmt.Errorf("%q is no kind of entry", kind), Remedy: "report this as a bug of sluice"}
	}
	return nil
}

// CheckCommit is what a store does first in Commit: names, duplicates, size,
// and that the data is JSON at all.
func CheckCommit(entries []Entry) error {
	seen := map[Key]bool{}
	for _, e := range entries {
		if err := checkEntry(e, seen); err != nil {
			return err
		}
		seen[e.Key] = true
	}
	return nil
}

func checkEntry(e Entry, seen map[Key]bool) error {
	refuse := func(err error, remedy string) error {
		return &UnreadableError{Key: e.Key, Op: "write", Err: err, Remedy: remedy}
	}
	if err := e.Key.Check(); err != nil {
		return refuse(err, "use the name that the pipeline file has")
	}
	if seen[e.Key] {
		return refuse(fmt.Errorf("twice in one commit"), "merge both changes into one record")
	}
	if e.Data == nil && e.Version == "" {
		return refuse(fmt.Errorf("nothing is there to be removed"), "report this as a bug of sluice")
	}
	if len(e.Data) > MaxRecord {
		return refuse(fmt.Errorf("%d bytes, more than the %d a record may have", len(e.Data), MaxRecord),
			"lower state.history in the pipeline file")
	}
	if e.Data != nil && !json.Valid(e.Data) {
		return refuse(fmt.Errorf("not JSON"), "report this as a bug of sluice")
	}
	return nil
}
