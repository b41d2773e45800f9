package store

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sluice/internal/guard"
)

// AtOnce is how many entries are read or written side by side, in places that take
// them one by one.
const AtOnce = 8

// ReadEach reads entries one by one, side by side, with get: for drivers whose
// place has no way to read several at once.
func ReadEach(ctx context.Context, keys []Key, get func(context.Context, Key) (Stored, error)) ([]Stored, error) {
	found := make([]Stored, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(AtOnce)
	for i, k := range keys {
		group.Go(func() error {
			return guard.Do("read state of "+k.String(), func() (err error) {
				found[i], err = get(ctx, k)
				return err
			})
		})
	}
	return found, group.Wait()
}

// SwapEach writes entries one by one, side by side, with put: one that fails keeps
// no other from being written.
func SwapEach(saves []Save, put func(Save) (Swapped, error)) []Swapped {
	out := make([]Swapped, len(saves))
	var group errgroup.Group
	group.SetLimit(AtOnce)
	for i, s := range saves {
		group.Go(func() error {
			err := guard.Do("write state of "+s.Key.String(), func() (err error) {
				out[i], err = put(s)
				return err
			})
			out[i].Err = err
			return nil
		})
	}
	_ = group.Wait() // the errors are in out
	return out
}
