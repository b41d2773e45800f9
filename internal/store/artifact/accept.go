package artifact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"sluice/internal/store"
)

// Accepted is what [Accept] did.
type Accepted struct {
	From     string      // the run whose saves count from now on
	Entries  []store.Key // those of which it decided
	Artifact string      // the artifact that says so
}

// Errors of what cannot be accepted.
var (
	// ErrNoConflict means that no entry was saved by runs that did not know of each
	// other.
	ErrNoConflict = errors.New("no two runs saved the same target side by side: there is nothing to decide")
	// ErrNotThere means that the run which was named is none of those.
	ErrNotThere = errors.New("it saved none of the targets that runs saved side by side")
)

// Accept decides, where runs saved the same entries side by side, that those of one
// run count; wanted is its number. Errors: [ErrNoConflict], [ErrNotThere], and those
// of a store.
func Accept(ctx context.Context, options Options, pipeline, wanted, reason string) (Accepted, error) {
	run, err := strconv.ParseInt(wanted, 10, 64)
	if err != nil {
		return Accepted{}, fmt.Errorf("%q is no run: give its number: %w", wanted, ErrNotThere)
	}
	s := open(options)
	if err := s.mayChange(ctx); err != nil {
		return Accepted{}, err
	}
	if err := s.refresh(ctx, "read", pipeline); err != nil {
		return Accepted{}, err
	}
	decided, err := s.shelf(pipeline).decide(run)
	if err != nil {
		return Accepted{}, err
	}
	s.reason = fmt.Sprintf("; accepted what run %d saved: %s", run, reason)
	name, err := s.put(ctx, pipeline, "", nil)
	if err != nil {
		return Accepted{}, unwritten(s.options.Run, err)
	}
	return Accepted{From: "run " + wanted, Entries: decided, Artifact: name}, nil
}

// decide leaves one version of the entries of which a run saved one of several.
func (s *shelf) decide(run int64) ([]store.Key, error) {
	var decided []store.Key
	several := false
	for _, k := range s.keys() {
		versions := s.entries[k]
		if len(versions) < 2 {
			continue
		}
		several = true
		if at := slices.IndexFunc(versions, func(v *item) bool { return v.Run == run }); at >= 0 {
			s.entries[k] = versions[at : at+1]
			decided = append(decided, k)
		}
	}
	switch {
	case !several:
		return nil, ErrNoConflict
	case len(decided) == 0:
		return nil, fmt.Errorf("run %d: %w", run, ErrNotThere)
	default:
		return decided, nil
	}
}
