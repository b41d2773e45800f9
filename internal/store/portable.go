package store

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// New returns the store of a place. by names this run in what it saves, for people
// and for the conflicts of others; "" names nobody. It sends and touches nothing.
func New(d Driver, by string) Store {
	return &portable{driver: d, by: by, seen: map[Key]mark{}}
}

// portable is what all stores have in common.
type portable struct {
	driver Driver
	by     string
	places Places

	mu   sync.Mutex
	seen map[Key]mark // entries as this process last read or saved them
}

// mark is as much of an entry as comparing needs.
type mark struct {
	version    string
	generation int64
	by         string
}

// Facts implements [Store].
func (p *portable) Facts() Facts { return p.driver.Facts() }

// Where implements [Store].
func (p *portable) Where() []Saved { return p.places.List() }

// Load implements [Store].
func (p *portable) Load(ctx context.Context, keys ...Key) ([]Entry, error) {
	if err := CheckKeys(keys); err != nil || len(keys) == 0 {
		return nil, err
	}
	found, err := p.read(ctx, "read", once(keys))
	if err != nil {
		return nil, err
	}
	byKey := map[Key]Entry{}
	for _, f := range found {
		byKey[f.Key] = f.Entry
	}
	entries := make([]Entry, len(keys))
	for i, k := range keys {
		entries[i] = byKey[k]
	}
	return entries, nil
}

// once is keys without repetitions.
func once(keys []Key) []Key {
	seen := map[Key]bool{}
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool {
		again := seen[k]
		seen[k] = true
		return again
	})
}

// read reads entries, and notes what they are now. op is that of the caller.
func (p *portable) read(ctx context.Context, op string, keys []Key) ([]Stored, error) {
	if err := Cancelled(ctx, op); err != nil {
		return nil, err
	}
	found, err := p.driver.Read(ctx, keys)
	if cancelled := Cancelled(ctx, op); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Key = keys[i]
		p.note(found[i])
	}
	return found, nil
}

func (p *portable) note(s Stored) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Version == "" {
		delete(p.seen, s.Key)
		return
	}
	p.seen[s.Key] = mark{version: s.Version, generation: s.Generation, by: s.By}
}

// List implements [Store].
func (p *portable) List(ctx context.Context, pipeline, kind string) ([]Key, error) {
	if err := CheckList(pipeline, kind); err != nil {
		return nil, err
	}
	if err := Cancelled(ctx, "list"); err != nil {
		return nil, err
	}
	keys, err := p.driver.List(ctx, pipeline, kind)
	if cancelled := Cancelled(ctx, "list"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, err
	}
	SortKeys(keys)
	return keys, nil
}

// Commit implements [Store].
func (p *portable) Commit(ctx context.Context, entries ...Entry) ([]Entry, error) {
	if err := CheckCommit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	if err := Cancelled(ctx, "write"); err != nil {
		return nil, err
	}
	if err := p.compare(ctx, entries); err != nil {
		return nil, err
	}
	saves, err := p.seal(entries)
	if err != nil {
		return nil, err
	}
	swapped := p.driver.Swap(ctx, saves)
	var saved []Entry
	errs := make([]error, len(swapped))
	for i, s := range swapped {
		if errs[i] = s.Err; s.Err == nil {
			saved = append(saved, p.saved(saves[i], s))
		}
	}
	err = join(errs)
	if cancelled := Cancelled(ctx, "write"); err != nil && cancelled != nil {
		err = cancelled
	}
	return saved, err
}

// compare refuses generations that do not rise before anything is sent. Versions
// that this process does not know are read; that they are still current, Swap
// looks itself.
func (p *portable) compare(ctx context.Context, entries []Entry) error {
	current := make([]Stored, len(entries))
	var unknown []Key
	var at []int
	for i, e := range entries {
		m := p.mark(e.Key)
		if current[i].Key = e.Key; e.Version == "" {
			continue
		}
		if m.version != e.Version {
			unknown, at = append(unknown, e.Key), append(at, i)
			continue
		}
		current[i].Version, current[i].Generation, current[i].By = m.version, m.generation, m.by
	}
	if len(unknown) > 0 {
		found, err := p.read(ctx, "write", unknown)
		if err != nil {
			return err
		}
		for n, f := range found {
			current[at[n]] = f
		}
	}
	return Compare(current, entries)
}

func (p *portable) mark(k Key) mark {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[k]
}

// seal puts entries into their envelopes.
func (p *portable) seal(entries []Entry) ([]Save, error) {
	saves := make([]Save, len(entries))
	for i, e := range entries {
		encode := Encode
		if e.Data == nil {
			encode = EncodeRemoval
		}
		text, digest, err := encode(e, p.by)
		if err != nil {
			return nil, &UnreadableError{Key: e.Key, Op: "write", Err: err, Remedy: "lower state.history in the pipeline file"}
		}
		saves[i] = Save{Entry: e, Text: text, Digest: digest}
	}
	return saves, nil
}

// saved notes a save that is durable, and is what Commit returns of it.
func (p *portable) saved(s Save, now Swapped) Entry {
	e := s.Entry
	e.Version = now.Version
	e.Generation = max(e.Generation, now.Generation)
	p.note(Stored{Entry: e, By: p.by})
	if s.Removes() {
		p.places.Drop(e.Key)
	} else {
		p.places.Add(e.Key, Saved{Location: now.Location, Digest: s.Digest})
	}
	return e
}

// join makes one error of those of several saves: one conflict that names all
// that were lost; of what failed alike, one.
func join(errs []error) error {
	lost := &ConflictError{}
	var rest []error
	for _, err := range errs {
		if err == nil || slices.Contains(rest, err) {
			continue
		}
		if c, ok := errors.AsType[*ConflictError](err); ok {
			lost.add(c)
			continue
		}
		rest = append(rest, err)
	}
	switch {
	case len(rest) == 1 && len(lost.Keys) == 0:
		return rest[0]
	case len(rest) > 0:
		return errors.Join(rest...)
	case len(lost.Keys) > 0:
		return lost
	default:
		return nil
	}
}

func (e *ConflictError) add(more *ConflictError) {
	for _, k := range more.Keys {
		if !slices.Contains(e.Keys, k) {
			e.Keys = append(e.Keys, k)
		}
	}
	for _, who := range more.Who {
		if !slices.Contains(e.Who, who) {
			e.Who = append(e.Who, who)
		}
	}
}
