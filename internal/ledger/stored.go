package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"sluice/internal/store"
	"sluice/rollout"
)

// stored is an entry as this ledger knows it to be stored. Without a version it
// is not there.
type stored struct {
	version    string
	generation int64
	data       []byte // compact JSON
	lease      string // a record's
}

// entry is what the entries of a pipeline's state hold.
type entry interface {
	rollout.Record | rollout.Promotion | rollout.Run | rollout.History | rollout.Index
}

// encode is an entry as it is stored, in the form in which stores give it back.
// clean, where it is not nil, takes credentials out of its text.
func encode[E entry](k store.Key, e E, clean func(string) string) ([]byte, error) {
	data, err := rollout.Encode(e)
	if err == nil && clean != nil {
		data, err = rollout.Redact(data, clean)
	}
	if err != nil {
		return nil, &store.UnreadableError{Key: k, Op: "write", Err: err, Remedy: "this is a mistake in sluice: report it"}
	}
	return data, nil
}

func compact(data []byte) ([]byte, error) {
	var out bytes.Buffer
	err := json.Compact(&out, data)
	return out.Bytes(), err
}

// same reports whether two texts are one entry, however they are written.
func same(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := compact(a)
	y, errY := compact(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// decode reads an entry of which who tells the pipeline and the name it was
// saved under.
func decode[E entry](k store.Key, data []byte, who func(E) (pipeline, name string)) (E, error) {
	e, err := rollout.Decode[E](data)
	if err != nil {
		return e, damaged(k, err)
	}
	if pipeline, name := who(e); pipeline != k.Pipeline || name != k.Target {
		return e, damaged(k, fmt.Errorf("it holds what belongs to %s/%s", pipeline, name))
	}
	return e, nil
}

// isUnreleased reports whether an entry has a format that was never released.
func isUnreleased(err error) bool {
	var schema *rollout.SchemaError
	return errors.As(err, &schema) && schema.Unreleased()
}

func damaged(k store.Key, err error) error {
	if isUnreleased(err) {
		return &store.UnreadableError{Key: k, Op: "read", Err: err} // which says what to do
	}
	return &store.UnreadableError{Key: k, Op: "read", Err: err, Remedy: "nothing was done; restore the state from where it was intact, or adopt what runs today with `sluice state import`"}
}

func decodeRecord(k store.Key, data []byte) (rollout.Record, error) {
	return decode(k, data, func(r rollout.Record) (string, string) { return r.Pipeline, r.Target })
}

func decodePromotion(k store.Key, data []byte) (rollout.Promotion, error) {
	return decode(k, data, func(p rollout.Promotion) (string, string) { return p.Pipeline, p.ID })
}

func decodeRun(k store.Key, data []byte) (rollout.Run, error) {
	return decode(k, data, func(r rollout.Run) (string, string) { return r.Pipeline, r.ID })
}

func decodeHistory(k store.Key, data []byte) (rollout.History, error) {
	return decode(k, data, func(h rollout.History) (string, string) { return h.Pipeline, h.Target })
}

func decodeIndex(k store.Key, data []byte) (rollout.Index, error) {
	return decode(k, data, func(i rollout.Index) (string, string) { return i.Pipeline, index().Name })
}

// withGeneration is an entry's text with another generation.
func withGeneration(k store.Key, data []byte, generation int64) ([]byte, error) {
	switch k.Kind {
	case store.KindTarget:
		r, err := decodeRecord(k, data)
		r.Generation = generation
		return reencode(k, r, err)
	case store.KindPromotion:
		p, err := decodePromotion(k, data)
		p.Generation = generation
		return reencode(k, p, err)
	case store.KindRun:
		r, err := decodeRun(k, data)
		r.Generation = generation
		return reencode(k, r, err)
	case store.KindHistory:
		h, err := decodeHistory(k, data)
		h.Generation = generation
		return reencode(k, h, err)
	default:
		i, err := decodeIndex(k, data)
		i.Generation = generation
		return reencode(k, i, err)
	}
}

func reencode[E entry](k store.Key, e E, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return encode(k, e, nil) // it was cleaned when it was drafted
}
