package ledger

import (
	"errors"
	"fmt"

	"sluice/internal/store"
	"sluice/rollout"
)

// State is what was read of a pipeline. What was never saved has no entry.
type State struct {
	Records    map[string]*rollout.Record    // by target
	Promotions map[string]*rollout.Promotion // by id: those of unfinished rollouts, and those asked for
	Runs       map[string]*rollout.Run       // by id: those that hold a target here; one that let go, or was swept away, has none
	Index      rollout.Index
}

func newState(pipeline string) *State {
	return &State{
		Records: map[string]*rollout.Record{}, Promotions: map[string]*rollout.Promotion{},
		Runs: map[string]*rollout.Run{}, Index: rollout.NewIndex(pipeline),
	}
}

// RecordOr is the record of fresh's target as it was read; fresh where it was never saved.
func (s *State) RecordOr(fresh rollout.Record) *rollout.Record {
	if r := s.Records[fresh.Target]; r != nil {
		return r
	}
	return &fresh
}

// put adds an entry, unless it was never saved.
func (s *State) put(e store.Entry) error {
	if e.Version == "" {
		return nil
	}
	switch e.Key.Kind {
	case store.KindTarget:
		r, err := decodeRecord(e.Key, e.Data)
		s.Records[e.Key.Target] = &r
		return err
	case store.KindPromotion:
		p, err := decodePromotion(e.Key, e.Data)
		s.Promotions[e.Key.Target] = &p
		return err
	case store.KindRun:
		r, err := decodeRun(e.Key, e.Data)
		s.Runs[e.Key.Target] = &r
		return err
	case store.KindIndex:
		i, err := decodeIndex(e.Key, e.Data)
		s.Index = i
		return err
	default:
		return fmt.Errorf("%s is none of what a state holds", e.Key)
	}
}

func (s *State) add(more *State) {
	for t, r := range more.Records {
		s.Records[t] = r
	}
	for id, p := range more.Promotions {
		if s.Promotions[id] == nil {
			s.Promotions[id] = p
		}
	}
	for id, r := range more.Runs {
		s.Runs[id] = r
	}
}

// missing is the error of an entry that something names and that is not there.
func missing(k store.Key, by string) error {
	return &store.UnreadableError{
		Key: k, Op: "read", Err: errors.New("it is missing, and " + by + " names it"),
		Remedy: "restore the state from where it was intact, or adopt what runs today with `sluice state import`",
	}
}
