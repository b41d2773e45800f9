package gitref

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"sluice/internal/actions"
	"sluice/internal/store"
)

// snapshot is the branch at one commit. Without a commit it is a branch that does
// not exist.
type snapshot struct {
	commit string
	guard  string // where the second ref is, "" where it is not
	files  tree
}

// holds reports whether every entry of a change is there, and gone what it removes.
func (n snapshot) holds(c change) bool {
	for i, save := range c.saves {
		if n.files[save.Key.Path()].SHA != c.blobs[i] { // "" of one that is removed
			return false
		}
	}
	return true
}

// look finds out where the branch is, and reads it where that is news.
func (s *branch) look(ctx context.Context) (snapshot, error) {
	api, err := s.github()
	if err != nil {
		return snapshot{}, err
	}
	head, err := s.head(ctx, api)
	if err != nil {
		return snapshot{}, err
	}
	if last, _ := s.known(); head.SHA != "" && head.SHA == last.commit {
		s.keep(last)
		return last, nil
	}
	guard, err := s.ref(ctx, api, s.guard())
	if err != nil {
		return snapshot{}, err
	}
	if head, err = s.goesOn(ctx, api, head, guard); err != nil {
		return snapshot{}, err
	}
	next := snapshot{commit: head.SHA, guard: guard}
	if head.SHA != "" {
		next.files, err = s.content(ctx, api, head)
	}
	if err == nil {
		s.keep(next)
	}
	return next, err
}

// head is the branch's commit; without a SHA it is proven that there is none.
func (s *branch) head(ctx context.Context, api *actions.Client) (headAnswer, error) {
	head, err := actions.Get[headAnswer](ctx, api, api.Path("commits/"+s.name()+"?per_page=1")) // of the files that it changed
	if !isNone(err) {
		return head, err
	}
	// A client without permission is answered so too. The list of branches it does
	// not get.
	listed, err := s.ref(ctx, api, s.name())
	if err != nil || listed == "" {
		return headAnswer{}, err
	}
	return actions.Get[headAnswer](ctx, api, api.Path("commits/"+listed+"?per_page=1"))
}

// isNone reports whether GitHub says of a commit that it finds none.
func isNone(err error) bool {
	refused, ok := errors.AsType[*github.ErrorResponse](err)
	if !ok {
		return false
	}
	switch actions.Status(err) {
	case http.StatusNotFound:
		return refused.Message == "Not Found"
	case http.StatusUnprocessableEntity:
		return strings.HasPrefix(refused.Message, "No commit found for SHA")
	default:
		return false
	}
}

// ref is where a ref is; "" where the list of those whose names begin so lacks it.
func (s *branch) ref(ctx context.Context, api *actions.Client, name string) (string, error) {
	refs, err := actions.Get[references](ctx, api, api.Path("git/matching-refs/"+name))
	if err != nil {
		return "", err
	}
	for _, r := range refs.List {
		if r.Ref == "refs/"+name {
			return r.Object.SHA, nil
		}
	}
	return "", nil
}

// goesOn proves that the branch goes on from the guard, and returns the head that
// does. The branch may have moved since it was looked at, together with the guard.
func (s *branch) goesOn(ctx context.Context, api *actions.Client, head headAnswer, guard string) (headAnswer, error) {
	if head.isAfter(guard) {
		return head, nil
	}
	head, err := s.head(ctx, api)
	if err != nil || head.isAfter(guard) {
		return head, err
	}
	if head.SHA == "" {
		return head, s.lost("", guard)
	}
	between, err := actions.Get[comparison](ctx, api, api.Path("compare/"+guard+"..."+head.SHA+"?per_page=1"))
	switch {
	case noCommonAncestor(err), err == nil && between.Status != "ahead":
		return head, s.lost(head.SHA, guard)
	default:
		return head, err
	}
}

func noCommonAncestor(err error) bool {
	refused, ok := errors.AsType[*github.ErrorResponse](err)
	return ok && actions.Status(err) == http.StatusNotFound && strings.Contains(refused.Message, "No common ancestor")
}

func (s *branch) lost(now, guard string) error {
	return &store.LostError{Place: "branch " + s.options.Branch, Now: now, Newest: guard}
}

// isAfter reports whether a head is the guard's commit, or the next one; also where
// there is no guard yet, as after a first commit that was cut short.
func (h *headAnswer) isAfter(guard string) bool {
	return guard == "" || h.SHA == guard || slices.ContainsFunc(h.Parents, func(p object) bool { return p.SHA == guard })
}

// content reads a commit's files: from its archive where that is proven to be the
// whole commit, else from the list of its tree.
func (s *branch) content(ctx context.Context, api *actions.Client, head headAnswer) (tree, error) {
	whole, err := s.archived(ctx, api, head)
	if err == nil || ctx.Err() != nil {
		return whole, err
	}
	list, err := actions.Get[treeAnswer](ctx, api, api.Path("git/trees/"+head.tree()+"?recursive=1"))
	switch {
	case err != nil:
		return nil, err
	case list.Truncated:
		return nil, errTooMany
	case list.SHA != head.tree():
		return nil, &actions.AnswerError{What: "tree " + head.tree(), Err: fmt.Errorf("it is %s", list.SHA)}
	}
	return list.whole, nil
}
