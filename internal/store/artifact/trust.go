package artifact

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// trusted reports whether another run's artifact may hold state: from this
// repository, not a fork, and from a branch that may change state. What is not
// is passed over with a warning. a.Run is set.
func (s *Store) trusted(ctx context.Context, a actions.RepositoryArtifact) (bool, error) {
	home, branches, err := s.rules(ctx)
	if err != nil {
		return false, err
	}
	if a.Run.HeadRepositoryID != home || a.Run.RepositoryID != home {
		s.warn(fmt.Sprintf("artifact %s is ignored: run %d belongs to a fork", a.Name, a.Run.ID))
		return false, nil
	}
	if !slices.Contains(branches, a.Run.HeadBranch) {
		s.warn(fmt.Sprintf("artifact %s is ignored: run %d was on branch %q, state may change on %s", a.Name, a.Run.ID, a.Run.HeadBranch, strings.Join(branches, ", ")))
		return false, nil
	}
	return true, nil
}

// rules are this repository's id and the branches whose runs may change state.
// They are asked for once, and only if the run's environment does not say.
func (s *Store) rules(ctx context.Context) (home int64, branches []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home != 0 && len(s.branches) > 0 {
		return s.home, s.branches, nil
	}
	home, branches = s.options.Run.RepositoryID, s.options.Branches
	if len(branches) == 0 && s.options.Run.DefaultBranch != "" {
		branches = []string{s.options.Run.DefaultBranch}
	}
	if home == 0 || len(branches) == 0 {
		github, err := s.github()
		if err != nil {
			return 0, nil, err
		}
		repository, err := github.Repository(ctx)
		if err != nil {
			return 0, nil, err
		}
		home = repository.ID
		if len(branches) == 0 {
			branches = []string{repository.DefaultBranch}
		}
	}
	s.home, s.branches = home, branches
	return home, branches, nil
}

// mayChange refuses to save where the next run would not look. Under act
// without a token nobody says which branch is the default.
func (s *Store) mayChange(ctx context.Context) error {
	_, branches, err := s.rules(ctx)
	if err != nil && s.options.Run.Act {
		return nil
	}
	if err != nil {
		return &store.UnreadableError{Op: "write", Err: err, Remedy: actions.Remedy(err, permission)}
	}
	if slices.Contains(branches, s.options.Run.Branch) {
		return nil
	}
	where := s.options.Run.Branch
	if where == "" {
		where = s.options.Run.Ref
	}
	return &store.UnreadableError{
		Op: "write", Err: fmt.Errorf("this run is on %q, state may change on %s", where, strings.Join(branches, ", ")),
		Remedy: "run the workflow there, or list the branch in the pipeline file (state: {branches: […]})",
	}
}
