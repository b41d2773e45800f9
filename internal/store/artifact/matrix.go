package artifact

import (
	"context"
	"slices"
)

// Pin names this run in the pipeline's state as one whose jobs will save side by side.
// Without it the first of them does that, while all others wait for the same names. It
// does nothing where this run may not change the state, or is named already. Errors are
// those of a store.
func Pin(ctx context.Context, options Options, pipeline string) error {
	s := open(options)
	if s.options.Run.RunID == 0 || s.mayChange(ctx) != nil {
		return nil
	}
	if err := s.refresh(ctx, "write", pipeline); err != nil || s.pinned(pipeline) {
		return err
	}
	s.pinning = true
	if _, err := s.put(ctx, pipeline, "", nil); err != nil {
		return unwritten(s.options.Run, err)
	}
	return nil
}

// Gather saves as one what the jobs of matrices saved each under names of its own, so
// that it is found without a look at the lists of their runs. It returns the
// artifact's name, "" where nothing had to be gathered. Errors are those of a store.
func Gather(ctx context.Context, options Options, pipeline string) (artifact string, err error) {
	s := open(options)
	if err := s.mayChange(ctx); err != nil {
		return "", err
	}
	if err := s.refresh(ctx, "write", pipeline); err != nil {
		return "", err
	}
	apart := func(h *snapshot) bool { return h.lane != "" }
	if !slices.ContainsFunc(s.shelf(pipeline).heads, apart) {
		return "", nil
	}
	name, err := s.put(ctx, pipeline, "", nil)
	if err != nil {
		return "", unwritten(s.options.Run, err)
	}
	return name, nil
}
