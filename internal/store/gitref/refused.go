package gitref

import (
	"errors"
	"fmt"
	"net/http"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// errTooMany is a branch that GitHub does not list whole.
var errTooMany = errors.New("the branch holds more files than GitHub lists at once")

// refused is about a file of the branch that holds no entry.
func (s *branch) refused(k store.Key, err error) error {
	return &store.UnreadableError{
		Key: k, Op: "read", Err: fmt.Errorf("branch %s: %w", s.options.Branch, err),
		Remedy: "revert the commit that changed the file, or remove the file and adopt what runs today with `sluice state import`",
	}
}

func (s *branch) unreadable(op string, err error) error {
	return s.unreadableKey(store.Key{}, op, err)
}

// unreadableKey is the error of something that GitHub refused, or answered badly.
func (s *branch) unreadableKey(k store.Key, op string, err error) error {
	if limit, ok := errors.AsType[*actions.RateLimitError](err); ok {
		return &store.BusyError{Op: op, Until: s.options.Clock.Now().Add(limit.RetryAfter), Err: err}
	}
	if lost, ok := errors.AsType[*store.LostError](err); ok {
		return &store.UnreadableError{Op: op, Err: lost, Remedy: goingOn(lost)}
	}
	return &store.UnreadableError{
		Key: k, Op: op, Err: fmt.Errorf("branch %s: %w", s.options.Branch, err), Remedy: remedy(err),
	}
}

// goingOn says how to go on from state that was lost.
func goingOn(lost *store.LostError) string {
	text := fmt.Sprintf("nothing was done; look at both, then go on from one of them: `sluice state accept %s --reason …`", lost.Newest)
	if lost.Now != "" {
		text += fmt.Sprintf(", or `sluice state accept %s --reason …`", lost.Now)
	}
	return text
}

func remedy(err error) string {
	switch actions.Status(err) {
	case http.StatusConflict:
		return "the repository is empty: push a first commit to its default branch"
	case http.StatusUnprocessableEntity:
		return "exempt the state branch from the repository's rules and branch protection, so that the token can create and update it"
	}
	if errors.Is(err, errTooMany) {
		return "keep nothing but state on the branch, or use another (state.branch)"
	}
	return actions.Remedy(err, permission)
}
