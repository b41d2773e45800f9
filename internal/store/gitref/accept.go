package gitref

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// Accepted is what [Accept] did.
type Accepted struct {
	From   string // the commit whose state counts from now on
	Commit string // the commit that says so, on top of all that was there
}

// ErrNotLost means that there is nothing to accept: the branch goes on from the
// newest state that was saved.
var ErrNotLost = errors.New("the state is not lost: its branch goes on from the newest state that was saved")

// ErrNotThere means that a commit which is to be accepted is none of the two.
var ErrNotThere = errors.New("it is neither what the branch shows nor the newest state that was saved")

var isCommit = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{7,40}$`) })

// Accept goes on from one of two commits after the branch was moved or deleted: from
// what it shows, or from the newest state that was saved. wanted is that commit's
// id, or at least seven characters of it. A new commit with its files goes on top
// of both, so that neither ref is forced and no state is thrown away. Errors:
// [ErrNotLost], [ErrNotThere], [*store.UnreadableError], [*store.BusyError].
func Accept(ctx context.Context, options Options, wanted, reason string) (Accepted, error) {
	s, err := open(options)
	if err != nil {
		return Accepted{}, err
	}
	leave, err := s.queue.enter(ctx)
	if err != nil {
		return Accepted{}, err
	}
	defer leave()
	_, err = s.look(ctx)
	lost, isLost := errors.AsType[*store.LostError](err)
	if err != nil && !isLost {
		return Accepted{}, s.unreadable("read", err)
	}
	if !isLost {
		return Accepted{}, ErrNotLost
	}
	from, err := chosen(lost, wanted)
	if err != nil {
		return Accepted{}, err
	}
	done, err := s.accept(ctx, lost, from, reason)
	if err != nil {
		return Accepted{}, s.unreadable("write", err)
	}
	return done, nil
}

// chosen is the commit of the two that was named.
func chosen(lost *store.LostError, wanted string) (string, error) {
	if !isCommit().MatchString(wanted) {
		return "", fmt.Errorf("%q is no commit: give its id, or at least 7 characters of it: %w", wanted, ErrNotThere)
	}
	both := []string{lost.Newest, lost.Now}
	at := slices.IndexFunc(both, func(sha string) bool { return len(sha) >= len(wanted) && sha[:len(wanted)] == wanted })
	if at < 0 {
		return "", fmt.Errorf("commit %s: %w (%w)", wanted, ErrNotThere, lost)
	}
	return both[at], nil
}

// accept commits the files of a commit on top of both.
func (s *branch) accept(ctx context.Context, lost *store.LostError, from, reason string) (Accepted, error) {
	api, err := s.github()
	if err != nil {
		return Accepted{}, err
	}
	head, err := actions.Get[headAnswer](ctx, api, api.Path("commits/"+from+"?per_page=1"))
	if err != nil {
		return Accepted{}, err
	}
	if head.SHA != from {
		return Accepted{}, &actions.AnswerError{What: "commit " + from, Err: fmt.Errorf("it is %s", head.SHA)}
	}
	files, err := s.content(ctx, api, head)
	if err != nil {
		return Accepted{}, err
	}
	if err := s.queue.spend(ctx); err != nil {
		return Accepted{}, err
	}
	parents := []string{lost.Newest}
	if lost.Now != "" {
		parents = []string{lost.Now, lost.Newest}
	}
	message := fmt.Sprintf("The state of commit %s is accepted\n\n%s\n\nThe branch had been moved or deleted after %s.%s", from[:12], oneLine(reason), lost.Newest, s.trailer())
	next := snapshot{files: files, guard: lost.Newest}
	if next.commit, err = commit(ctx, api, parents, head.tree(), message); err != nil {
		return Accepted{}, err
	}
	if err := point(ctx, api, s.name(), lost.Now == "", next.commit); err != nil {
		return Accepted{}, err
	}
	s.keep(next)
	return Accepted{From: from, Commit: next.commit}, s.secure(ctx, next)
}
