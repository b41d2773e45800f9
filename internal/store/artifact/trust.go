package artifact

import (
	"context"
	"fmt"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// trusted reports whether another run's artifact may hold state: from this
// repository, not a fork, and from a ref that may change state. What is not
// is passed over with a warning. a.Run is set.
func (s *shelves) trusted(ctx context.Context, a actions.RepositoryArtifact) (bool, error) {
	home, refs, err := s.rules(ctx)
	if err != nil {
		return false, err
	}
	if a.Run.HeadRepositoryID != home || a.Run.RepositoryID != home {
		s.warn(fmt.Sprintf("artifact %s is ignored: run %d belongs to a fork", a.Name, a.Run.ID))
		return false, nil
	}
	if !refs.AllowName(a.Run.HeadBranch) {
		s.warn(fmt.Sprintf("artifact %s is ignored: run %d was on branch %q, state may change on %s", a.Name, a.Run.ID, a.Run.HeadBranch, strings.Join(refs, ", ")))
		return false, nil
	}
	return true, nil
}

// rules are this repository's id and the refs whose runs may change state. They are
// asked for once, and only if the run's environment does not say.
func (s *shelves) rules(ctx context.Context) (home int64, refs actions.Refs, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home != 0 && len(s.refs) > 0 {
		return s.home, s.refs, nil
	}
	home, refs = s.options.Run.RepositoryID, s.options.Refs
	if len(refs) == 0 && s.options.Run.DefaultBranch != "" {
		refs = actions.Refs{s.options.Run.DefaultBranch}
	}
	if home == 0 || len(refs) == 0 {
		github, err := s.github()
		if err != nil {
			return 0, nil, err
		}
		repository, err := github.Repository(ctx)
		if err != nil {
			return 0, nil, err
		}
		home = repository.ID
		if len(refs) == 0 {
			refs = actions.Refs{repository.DefaultBranch}
		}
	}
	s.home, s.refs = home, refs
	return home, refs, nil
}

// mayChange refuses to save where the next run would not look. Under act
// without a token nobody says which branch is the default.
func (s *shelves) mayChange(ctx context.Context) error {
	_, refs, err := s.rules(ctx)
	if err != nil && s.options.Run.Act {
		return nil
	}
	if err != nil {
		return denied(s.options, "write", err)
	}
	if refs.Allow(s.options.Run.Ref) {
		return nil
	}
	return &store.UnreadableError{
		Op: "write", Err: fmt.Errorf("this run is on %q, state may change on %s", s.options.Run.Ref, strings.Join(refs, ", ")),
		Remedy: "run the workflow there, or list the ref in the pipeline file (state: {refs: […]})",
	}
}
