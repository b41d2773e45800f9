package ledger

import "sluice/internal/store"

// Key names an entry of the pipeline's state.
type Key struct{ Kind, Name string }

// in is the key in the store, of a pipeline.
func (k Key) in(pipeline string) store.Key {
	return store.Key{Pipeline: pipeline, Kind: k.Kind, Target: k.Name}
}

// Target is the key of a target's record.
func Target(name string) Key { return Key{Kind: store.KindTarget, Name: name} }

// Promotion is the key of a promotion entry.
func Promotion(id string) Key { return Key{Kind: store.KindPromotion, Name: id} }

// Run is the key of a run's entry.
func Run(id string) Key { return Key{Kind: store.KindRun, Name: id} }

// history is the key of what is over on a target.
func history(target string) Key { return Key{Kind: store.KindHistory, Name: target} }

// index is the key of the pipeline's index.
func index() Key { return Key{Kind: store.KindIndex, Name: "targets"} }

// of is the key of an entry of the store.
func of(k store.Key) Key { return Key{Kind: k.Kind, Name: k.Target} }
