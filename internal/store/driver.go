package store

import "context"

// Driver is a place where state is kept. It reads, swaps and lists, and nothing
// else: what is the same in every place (names, envelopes, cancelling, order,
// comparing generations, where saves went) stands once, in [New].
//
// A driver is called with keys and names that were checked, and is safe for
// concurrent use. It returns errors as [Store] has them; what it returns after its
// context ended is replaced by the end of the context. It MUST change nothing
// after that.
type Driver interface {
	Facts() Facts
	// Read returns what is stored under each key, each once and in their order. An
	// empty Version is the proof that nothing is.
	Read(ctx context.Context, keys []Key) ([]Stored, error)
	// Swap replaces what is stored under each key, where that still has the Version
	// of its save, and says for each what became of it. All are compared before
	// any is written, as far as the place can. A place that is atomic saves all of
	// them or none.
	Swap(ctx context.Context, saves []Save) []Swapped
	// List returns the keys of a pipeline's entries of one kind, in any order.
	List(ctx context.Context, pipeline, kind string) ([]Key, error)
}

// Save is an entry that is to be saved, in its envelope. Where it is to be removed
// its Data is nil, and Text says so, for places that cannot remove what others may
// have changed.
type Save struct {
	Entry
	Text   []byte
	Digest string // of the envelope: it identifies this save and no other
}

// Removes reports whether the entry is to be removed.
func (s Save) Removes() bool { return s.Data == nil }

// Swapped is what became of a save.
type Swapped struct {
	Version    string // "" of one that was removed
	Generation int64  // where it had to be higher than asked for; 0 as asked
	Location   string // for [Store.Where]
	Err        error
}

// Failed is what became of saves that all failed alike.
func Failed(saves []Save, err error) []Swapped {
	out := make([]Swapped, len(saves))
	for i := range out {
		out[i].Err = err
	}
	return out
}

// Join makes one of two contents of an entry that runs saved side by side, where
// that can be said: ok is false where only one of them can stand. Base is what b was
// made of, and what a stands on; nil where nothing is known that both stand on. Places
// that cannot swap have use for it.
type Join func(k Key, a, b, base []byte) (both []byte, ok bool)
