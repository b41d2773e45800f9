package gitref

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/actions"
	"sluice/internal/store"
)

const (
	// tries is how often a commit is made anew because others were faster.
	tries = 40
	// transientTries is how often it is made anew because GitHub failed.
	transientTries = 3
)

// errBehind means that the branch moved since it was read.
var errBehind = errors.New("the branch moved")

// errCrowded means that it moved at every try, and that nobody changed these entries.
var errCrowded = fmt.Errorf("other runs were faster %d times in a row", tries)

// change is a commit to be: the same at every try, so that a try whose answer was
// lost is recognised.
type change struct {
	saves []store.Save
	blobs []string // the names of the files' content, "" of one that is removed
}

func newChange(saves []store.Save) change {
	c := change{saves: saves, blobs: make([]string, len(saves))}
	for i, save := range saves {
		if !save.Removes() {
			c.blobs[i] = blobID(save.Text)
		}
	}
	return c
}

// Swap saves all entries in one git commit, or none, when it is their turn.
func (s *branch) Swap(ctx context.Context, saves []store.Save) []store.Swapped {
	leave, err := s.queue.enter(ctx)
	if err != nil {
		return store.Failed(saves, err)
	}
	defer leave()
	c := newChange(saves)
	commit, err := s.swap(ctx, c)
	if err != nil {
		return store.Failed(saves, err)
	}
	swapped := make([]store.Swapped, len(saves))
	for i, save := range saves {
		if save.Removes() {
			continue
		}
		s.learn(c.blobs[i], save.Text)
		swapped[i] = store.Swapped{Version: c.blobs[i], Location: s.location(save.Key, commit)}
	}
	return swapped
}

// swap tries until the commit is on the branch, an entry was changed by somebody
// else, others were faster too often, or it cannot be done.
func (s *branch) swap(ctx context.Context, c change) (commit string, err error) {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval = s.options.Clock.InMachine(s.options.Wait)
	delays.MaxInterval = 10 * delays.InitialInterval
	failures := 0
	commit, err = backoff.Retry(ctx, func() (string, error) {
		commit, err := s.try(ctx, c)
		if err == nil {
			return commit, nil
		}
		s.doubt()
		if errors.Is(err, errBehind) {
			return "", err
		}
		if failures++; failures < transientTries && isTransient(err) {
			return "", err
		}
		return "", backoff.Permanent(err)
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	if errors.Is(err, errBehind) {
		return "", &store.BusyError{Op: "write", Until: s.options.Clock.Now().Add(10 * s.options.Wait), Err: errCrowded}
	}
	return commit, err
}

// isTransient reports whether GitHub or the network failed, rather than
// refused. Objects may be sent again, and a lost update of the branch is
// recognised at the next try.
func isTransient(err error) bool {
	var lost *store.LostError
	status := actions.Status(err)
	return store.IsUnreadable(err) && !errors.As(err, &lost) && !errors.Is(err, actions.ErrNoToken) && (status == 0 || status >= 500)
}

// try makes the commit on top of the branch as it is known to be, and moves the
// branch there unless it moved meanwhile.
func (s *branch) try(ctx context.Context, c change) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	head, fresh := s.known()
	if !fresh {
		var err error
		if head, err = s.look(ctx); err != nil {
			return "", s.unreadable("write", err)
		}
		if head.holds(c) { // an earlier try whose answer was lost
			return head.commit, s.secure(ctx, head)
		}
	}
	if err := s.compare(ctx, head, c); err != nil {
		return "", err
	}
	if err := s.queue.spend(ctx); err != nil {
		return "", err
	}
	next, err := s.build(ctx, head, c)
	if err != nil {
		return "", s.unreadable("write", err)
	}
	if err := s.move(ctx, head, next); err != nil {
		return "", err
	}
	s.keep(next)
	return next.commit, s.secure(ctx, next)
}

// compare reports which entries somebody else changed, and who.
func (s *branch) compare(ctx context.Context, head snapshot, c change) error {
	lost := &store.ConflictError{}
	for _, save := range c.saves {
		blob, err := head.files.blob(save.Key)
		if err != nil {
			return s.refused(save.Key, err)
		}
		if blob == save.Version {
			continue
		}
		lost.Keys = append(lost.Keys, save.Key)
		if blob == "" {
			continue
		}
		now, err := s.record(ctx, save.Key, blob)
		if err != nil {
			return err
		}
		if now.By != "" && !slices.Contains(lost.Who, now.By) {
			lost.Who = append(lost.Who, now.By)
		}
	}
	if len(lost.Keys) == 0 {
		return nil
	}
	return lost
}

// build uploads the tree and the commit. Nothing refers to them yet. What the
// tree must be named follows from its content, so another name is no answer.
func (s *branch) build(ctx context.Context, head snapshot, c change) (snapshot, error) {
	api, err := s.github()
	if err != nil {
		return snapshot{}, err
	}
	entries, files := treeEntries(head, c)
	next := snapshot{files: head.files.with(files), guard: head.guard}
	upload := map[string]any{"tree": entries}
	if head.commit != "" {
		upload["base_tree"] = head.files.root()
	}
	made, err := actions.Send[object](ctx, api, http.MethodPost, api.Path("git/trees"), upload)
	if err != nil {
		return snapshot{}, err
	}
	if made.SHA != next.files.root() {
		return snapshot{}, &actions.AnswerError{What: "the new tree", Err: fmt.Errorf("it is %s instead of %s", made.SHA, next.files.root())}
	}
	var parents []string
	if head.commit != "" {
		parents = []string{head.commit}
	}
	next.commit, err = commit(ctx, api, parents, made.SHA, s.message(c.saves))
	return next, err
}

func commit(ctx context.Context, api *actions.Client, parents []string, tree, message string) (string, error) {
	upload := map[string]any{"message": message, "tree": tree, "parents": append([]string{}, parents...)}
	made, err := actions.Send[commitAnswer](ctx, api, http.MethodPost, api.Path("git/commits"), upload)
	if err != nil {
		return "", err
	}
	if err := made.is(tree, parents); err != nil {
		return "", &actions.AnswerError{What: "the new commit", Err: err}
	}
	return made.SHA, nil
}

// upload is a file of a new tree.
type upload struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Content string `json:"content"`
}

// removal is a file that the new tree lacks: GitHub takes a null for its content's
// name (docs.github.com/rest/git/trees, create a tree).
type removal struct {
	Path string  `json:"path"`
	Mode string  `json:"mode"`
	Type string  `json:"type"`
	SHA  *string `json:"sha"`
}

// treeEntries are the files to upload, and the name of each one's content.
func treeEntries(head snapshot, c change) (entries []any, blobs map[string]string) {
	blobs = map[string]string{}
	for i, save := range c.saves {
		path := save.Key.Path()
		blobs[path] = c.blobs[i]
		if save.Removes() {
			entries = append(entries, removal{Path: path, Mode: modeFile, Type: "blob"})
		} else {
			entries = append(entries, upload{path, modeFile, "blob", string(save.Text)})
		}
	}
	if head.commit == "" {
		entries = append(entries, upload{"README.md", modeFile, "blob", readme})
		blobs["README.md"] = blobID([]byte(readme))
	}
	return entries, blobs
}

const readme = `# Deployment state

Sluice keeps here what was intended and what happened, one file per target. The
log of this branch is the history of every promotion. Do not edit the files:
each has a digest, and what does not match it is refused.
`

// move lets the branch point at next, only forward.
func (s *branch) move(ctx context.Context, head, next snapshot) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	api, err := s.github()
	if err != nil {
		return s.unreadable("write", err)
	}
	err = point(ctx, api, s.name(), head.commit == "", next.commit)
	switch {
	case err == nil:
		return nil
	case s.lostRace(ctx, api, head, err):
		return errBehind
	default:
		return s.unreadable("write", err)
	}
}

// point lets a ref point at a commit, only forward; fresh makes it.
func point(ctx context.Context, api *actions.Client, name string, fresh bool, commit string) error {
	ref, method, path, body := "refs/"+name, http.MethodPatch, "git/refs/"+name, map[string]any{"sha": commit, "force": false}
	if fresh {
		method, path, body = http.MethodPost, "git/refs", map[string]any{"ref": ref, "sha": commit}
	}
	moved, err := actions.Send[reference](ctx, api, method, api.Path(path), body)
	if err == nil && (moved.Ref != ref || moved.Object.SHA != commit) {
		err = &actions.AnswerError{What: "the move of " + ref, Err: fmt.Errorf("%s is at %s instead of %s", moved.Ref, moved.Object.SHA, commit)}
	}
	return err
}

// lostRace tells a branch that moved, or was deleted, from one that may not be
// moved: GitHub answers all with 422.
func (s *branch) lostRace(ctx context.Context, api *actions.Client, head snapshot, err error) bool {
	if !isRefused(err) {
		return false
	}
	if text := err.Error(); strings.Contains(text, "fast forward") || strings.Contains(text, "already exists") || strings.Contains(text, "does not exist") {
		return true
	}
	now, err := s.ref(ctx, api, s.name())
	return err == nil && now != head.commit
}

func isRefused(err error) bool {
	status := actions.Status(err)
	return status == http.StatusUnprocessableEntity || status == http.StatusConflict
}

// secure lets the guard point at a commit that is on the branch. Where others have
// moved it further, or it cannot be moved now, the next commit does: until then
// less is noticed, and nothing is lost.
func (s *branch) secure(ctx context.Context, n snapshot) error {
	if n.guard == n.commit {
		return nil
	}
	api, err := s.github()
	if err != nil {
		return s.unreadable("write", err)
	}
	err = point(ctx, api, s.guard(), n.guard == "", n.commit)
	if isRefused(err) && strings.Contains(err.Error(), "already exists") {
		err = point(ctx, api, s.guard(), false, n.commit)
	}
	switch {
	case err == nil:
	case isRefused(err) && strings.Contains(err.Error(), "fast forward"):
	case ctx.Err() != nil:
		return nil // the branch has the commit
	default:
		s.options.Warn(fmt.Sprintf("refs/%s, by which a state branch that was moved or deleted is noticed, could not be moved: %v; %s", s.guard(), err, remedy(err)))
		return nil
	}
	n.guard = n.commit
	s.keep(n)
	return nil
}

func (s *branch) location(k store.Key, commit string) string {
	server := s.options.Run.ServerURL
	if server == "" || s.options.Run.Repository == "" {
		return s.options.Branch + ":" + k.Path()
	}
	return fmt.Sprintf("%s/%s/blob/%s/%s", server, s.options.Run.Repository, commit, k.Path())
}
