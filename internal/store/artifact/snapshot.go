package artifact

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

// schema is the version of a snapshot.
const schema = "sluice.snapshot/v1"

// maxAncestors is how many saves back a snapshot knows where it comes from.
const maxAncestors = 256

// maxPins is how many matrices a snapshot names: each costs a load one more list.
const maxPins = 2

// ancestor is a save that a snapshot goes on from.
type ancestor struct {
	ID     string    `json:"id"`     // the digest of its zip file, as GitHub lists it
	Serial int64     `json:"serial"` // one more than the highest of its parents
	At     time.Time `json:"at"`
}

// pin is a workflow run whose jobs save side by side, each under names of its own.
type pin struct {
	Run int64     `json:"run"`
	At  time.Time `json:"at"`
}

// item is one entry in a snapshot. Where runs saved it that did not know of each
// other there are several of a key.
type item struct {
	Origin ancestor        `json:"origin,omitzero"` // the save that it comes from; zero of this one
	Run    int64           `json:"run"`             // the workflow run that saved it
	Sealed json.RawMessage `json:"sealed"`          // the entry in its envelope
	// Bases are what it was made of, newest last, where all that was changed since is
	// what runs may say side by side.
	Bases []*base `json:"bases,omitempty"`

	store.Stored `json:"-"`
}

// base is an earlier version of an entry.
type base struct {
	Origin ancestor        `json:"origin"` // the save that it comes from
	Sealed json.RawMessage `json:"sealed"`

	stored store.Stored
}

// maxBases is how many earlier versions an entry brings along.
const maxBases = 4

// snapshot is a pipeline's state as one save left it.
type snapshot struct {
	Schema    string     `json:"schema"`
	Pipeline  string     `json:"pipeline"`
	Save      string     `json:"save"` // random: no two have equal bytes
	SavedBy   string     `json:"savedBy,omitzero"`
	Serial    int64      `json:"serial"`
	At        time.Time  `json:"at"`
	Parents   []string   `json:"parents,omitempty"`   // those that it goes on from itself
	Ancestors []ancestor `json:"ancestors,omitempty"` // the last of them, parents included, newest first
	Pins      []pin      `json:"pins,omitempty"`
	Entries   []*item    `json:"entries"`
	Digest    string     `json:"digest"` // of all the rest

	id   string // the digest of its zip file
	lane string // of the name that it was found or saved under
}

// self is the snapshot as an ancestor of others.
func (s *snapshot) self() ancestor { return ancestor{ID: s.id, Serial: s.Serial, At: s.At} }

// descends reports whether the snapshot goes on from a save: it names it, or the
// save is older than all that it still names.
func (s *snapshot) descends(from ancestor) bool {
	if from.ID == s.id || slices.ContainsFunc(s.Ancestors, func(a ancestor) bool { return a.ID == from.ID }) {
		return true
	}
	oldest, cut := s.oldest()
	return cut && from.Serial < oldest.Serial
}

// oldest is the oldest ancestor that is named; cut says that there were more.
func (s *snapshot) oldest() (oldest ancestor, cut bool) {
	if len(s.Ancestors) < maxAncestors {
		return ancestor{}, false
	}
	return s.Ancestors[len(s.Ancestors)-1], true
}

// lineage takes over where a snapshot comes from: the heads that it joins.
func (s *snapshot) lineage(heads []*snapshot) {
	seen := map[string]bool{}
	add := func(a ancestor) {
		if !seen[a.ID] {
			seen[a.ID] = true
			s.Ancestors = append(s.Ancestors, a)
		}
	}
	for _, h := range heads {
		s.Serial = max(s.Serial, h.Serial)
		s.Parents = append(s.Parents, h.id)
		add(h.self())
	}
	for _, h := range heads {
		for _, a := range h.Ancestors {
			add(a)
		}
	}
	s.Serial++
	sort.SliceStable(s.Ancestors, func(i, j int) bool { return s.Ancestors[i].Serial > s.Ancestors[j].Serial })
	s.Ancestors = s.Ancestors[:min(len(s.Ancestors), maxAncestors)]
}

// fileName is the one file in a snapshot's zip.
const fileName = "state.json"

// limits of a zip file that holds a snapshot. JSON packs well, a bomb better.
var limits = artifact.Limits{Entries: 1, Size: maxSnapshot, Ratio: 200}

const (
	// maxSnapshot bounds a snapshot: 10,000 entries of 16 KiB.
	maxSnapshot = 160 << 20
	// maxZip is the most that is downloaded.
	maxZip = 32 << 20
)

// pack makes the zip file of a snapshot, and gives the snapshot its id.
func (s *snapshot) pack() ([]byte, error) {
	s.Schema, s.Save = schema, rand.Text()
	var err error
	if s.Digest, err = s.sum(); err != nil {
		return nil, err
	}
	text, err := marshal(s)
	if err != nil {
		return nil, err
	}
	if len(text) > maxSnapshot {
		return nil, fmt.Errorf("the state of %s has %d bytes, more than the %d that an artifact may hold", s.Pipeline, len(text), maxSnapshot)
	}
	zip, err := artifact.Pack(fileName, text, limits)
	if err == nil && len(zip) > maxZip {
		err = fmt.Errorf("the state of %s has %d bytes packed, more than the %d that an artifact may hold", s.Pipeline, len(zip), maxZip)
	}
	s.id = store.Sum(zip)
	return zip, err
}

// marshal keeps the characters of entries as they are: their digests are over these.
func marshal(s *snapshot) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(s)
	return out.Bytes(), err
}

// sum is the digest of all that a snapshot says. Each entry has its own, which
// stands for it.
func (s *snapshot) sum() (string, error) {
	head := *s
	head.Digest, head.Entries = "", nil
	text, err := marshal(&head)
	for _, i := range s.Entries {
		text = fmt.Appendf(text, "%s %s %d %d\n", i.Version, i.Origin.ID, i.Origin.Serial, i.Run)
		for _, b := range i.Bases {
			text = fmt.Appendf(text, " %s %s %d\n", b.stored.Digest, b.Origin.ID, b.Origin.Serial)
		}
	}
	return store.Sum(text), err
}

// unpack opens a snapshot of a pipeline, and proves that it is what was saved.
func unpack(pipeline string, zip []byte) (*snapshot, error) {
	files, err := artifact.Unpack(zip, limits)
	if err != nil {
		return nil, err
	}
	text, ok := files[fileName]
	if !ok {
		return nil, fmt.Errorf("it lacks %s", fileName)
	}
	s := &snapshot{}
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("it is not a whole snapshot: %w", err)
	}
	if s.Schema != schema {
		return nil, fmt.Errorf("it has schema %q, this version of sluice knows %s", s.Schema, schema)
	}
	if s.Pipeline != pipeline || s.Serial < 1 {
		return nil, fmt.Errorf("it is of pipeline %q, not %s, or lacks its serial", s.Pipeline, pipeline)
	}
	s.id = store.Sum(zip)
	for _, i := range s.Entries {
		if err := i.open(s); err != nil {
			return nil, err
		}
	}
	if err := s.whole(); err != nil {
		return nil, err
	}
	for _, i := range s.Entries {
		if i.Origin.ID == "" {
			i.Origin = s.self()
		}
	}
	return s, nil
}

// whole compares a snapshot with its digest.
func (s *snapshot) whole() error {
	got, err := s.sum()
	if err == nil && got != s.Digest {
		err = fmt.Errorf("its digest is %s, not %q as recorded: it was changed or damaged", got, s.Digest)
	}
	return err
}

// open opens an entry of a snapshot.
func (i *item) open(s *snapshot) error {
	if i == nil {
		return errors.New("an entry that is null")
	}
	var named struct{ Pipeline, Kind, Target string }
	if err := json.Unmarshal(i.Sealed, &named); err != nil {
		return err
	}
	k := store.Key{Pipeline: named.Pipeline, Kind: named.Kind, Target: named.Target}
	if err := k.Check(); err != nil || k.Pipeline != s.Pipeline {
		return fmt.Errorf("an entry of %s, which is none of the pipeline's", k)
	}
	found, err := store.Decode(k, i.Sealed)
	if err != nil {
		return fmt.Errorf("%s: %w", k, err)
	}
	i.Stored = found
	i.Version = found.Digest
	return i.openBases()
}

func (i *item) openBases() error {
	for _, b := range i.Bases {
		if b == nil {
			return fmt.Errorf("%s: an earlier version that is null", i.Key)
		}
		found, err := store.Decode(i.Key, b.Sealed)
		if err != nil {
			return fmt.Errorf("an earlier version of %s: %w", i.Key, err)
		}
		b.stored = found
	}
	return nil
}
