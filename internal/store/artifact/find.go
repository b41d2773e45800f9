package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

const permission = "actions: read"

// candidate is one artifact that may hold a pipeline's newest state.
type candidate struct {
	name     string
	pipeline string
	lane     string

	own     *artifact.Artifact // of this run, as the artifact service lists it; nil for others
	id      int64              // by the REST API, for others
	run     int64
	digest  string // of the zip file, "" where unknown
	created time.Time
	expired bool
	expires time.Time // zero where unknown
	// unproven means that GitHub no longer says which run uploaded it.
	unproven bool
}

// find lists what counts as state, newest first: this run's artifacts, which the
// artifact service shows at once, and, where it is time for that, those of other
// runs, among them what an earlier attempt of this run may have left.
func (s *shelves) find(ctx context.Context, op, pipeline string, others bool) ([]candidate, error) {
	own, err := s.findOwn(ctx, op, pipeline)
	if err != nil {
		return nil, err
	}
	mine := lane(s.options.Shard)
	own = slices.DeleteFunc(own, func(c candidate) bool { return mine != "" && c.lane != "" && c.lane != mine })
	seen := map[string]bool{}
	for _, c := range own {
		seen[c.digest] = true
		seen[fmt.Sprint(c.run, c.name)] = c.digest == "" // act does not say
	}
	var named []candidate
	if others {
		if named, err = s.findNamed(ctx, op, pipeline); err != nil {
			return nil, err
		}
	}
	named = slices.DeleteFunc(named, func(c candidate) bool {
		return c.digest != "" && seen[c.digest] || seen[fmt.Sprint(c.run, c.name)]
	})
	newestFirst(own)
	newestFirst(named)
	return append(own, named...), nil
}

func newestFirst(list []candidate) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		return cmp.Or(b.created.Compare(a.created), cmp.Compare(b.id, a.id)) < 0
	})
}

// findOwn lists this run's artifacts. Outside of a run there are none.
func (s *shelves) findOwn(ctx context.Context, op, pipeline string) ([]candidate, error) {
	runs, err := s.runs()
	if errors.Is(err, artifact.ErrUnavailable) && op != "write" && s.options.Run.RunID == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, noService(s.options.Run, op, err)
	}
	list, err := s.listOwn(ctx, runs)
	if err != nil {
		return nil, unanswered(s.options.Run, op, err)
	}
	var found []candidate
	for _, a := range list {
		if in, ok := parseName(pipeline, a.Name); ok {
			found = append(found, candidate{
				name: a.Name, pipeline: pipeline, lane: in, own: &a, run: s.options.Run.RunID, digest: a.Digest, created: a.Created,
			})
		}
	}
	return found, nil
}

// listOwn lists this run's artifacts. An answer without a list is no proof that
// there are none: where GitHub's REST API, which counts them, knows of some, the
// service is asked again. If it stays with that answer they are of an earlier
// attempt, and find has them from the REST API alone.
func (s *shelves) listOwn(ctx context.Context, runs *artifact.Client) ([]artifact.Artifact, error) {
	const looks = 3
	for look := 1; ; look++ {
		list, err := runs.List(ctx, "")
		if !errors.Is(err, artifact.ErrUnproven) {
			return list, err
		}
		github, missing := s.github()
		if missing != nil {
			return nil, errors.Join(err, missing)
		}
		some, refused := github.HasArtifacts(ctx, s.options.Run.RunID)
		if refused != nil {
			return nil, errors.Join(err, refused)
		}
		if !some || look == looks {
			return nil, nil
		}
	}
}

// findNamed lists the artifacts of other runs that have one of the fixed names. act
// has no REST API for them: there, without a token, only those of this run are
// looked at, which all of act's runs share unless they are given ids.
func (s *shelves) findNamed(ctx context.Context, op, pipeline string) ([]candidate, error) {
	github, err := s.github()
	if s.options.Run.Act && errors.Is(err, actions.ErrNoToken) {
		return nil, nil
	}
	if err != nil {
		return nil, denied(s.options, op, err)
	}
	var found []candidate
	for _, name := range names(pipeline, "") {
		err := github.ArtifactsNamed(ctx, name, func(page []actions.RepositoryArtifact) (more bool, err error) {
			trusted, err := s.counting(ctx, op, pipeline, page)
			found = append(found, trusted...)
			return len(trusted) == 0, err
		})
		if err != nil {
			return nil, denied(s.options, op, err)
		}
	}
	return found, nil
}

// findPinned lists the artifacts of the runs whose jobs save under names of their
// own.
func (s *shelves) findPinned(ctx context.Context, op, pipeline string) ([]candidate, error) {
	var found []candidate
	for _, p := range s.shelf(pipeline).pins() {
		if p.Run == s.options.Run.RunID {
			continue // the artifact service lists them
		}
		github, err := s.github()
		if s.options.Run.Act && errors.Is(err, actions.ErrNoToken) {
			return nil, nil
		}
		if err != nil {
			return nil, denied(s.options, op, err)
		}
		list, err := github.ArtifactsOf(ctx, p.Run)
		if err != nil {
			return nil, denied(s.options, op, err)
		}
		trusted, err := s.counting(ctx, op, pipeline, list)
		if err != nil {
			return nil, err
		}
		found = append(found, trusted...)
	}
	newestFirst(found)
	return found, nil
}

// counting are those of a list that may hold the pipeline's state.
func (s *shelves) counting(ctx context.Context, op, pipeline string, list []actions.RepositoryArtifact) ([]candidate, error) {
	var found []candidate
	for _, a := range list {
		in, ok := parseName(pipeline, a.Name)
		if !ok {
			continue
		}
		c := candidate{name: a.Name, pipeline: pipeline, lane: in, id: a.ID, digest: a.Digest, created: a.CreatedAt, expired: a.Expired, expires: a.ExpiresAt}
		if a.Run == nil || a.Run.RepositoryID == 0 || a.Run.HeadRepositoryID == 0 || a.Run.HeadBranch == "" {
			c.unproven = true
			found = append(found, c)
			continue
		}
		c.run = a.Run.ID
		trusted, err := s.trusted(ctx, a)
		if err != nil {
			return nil, denied(s.options, op, err)
		}
		if trusted {
			found = append(found, c)
		}
	}
	return found, nil
}

// stores names those that work where there are no artifacts.
const stores = "use another store: state: {store: git} or s3://bucket/prefix, or --store file:DIR on a machine that stays"

// NoService is the error of a run that has no artifact service.
func NoService(run actions.Context, err error) error { return noService(run, "open", err) }

func noService(run actions.Context, op string, err error) error {
	remedy := "use sluice as an action (uses: …), or " + stores
	switch {
	case elsewhere(run):
		err = fmt.Errorf("%w; servers of one's own, GitHub Enterprise Server and Gitea, have no artifacts of version 4", err)
		if !errors.Is(err, artifact.ErrUnavailable) { // else it may be a run step alone
			remedy = stores
		}
	case run.RunID == 0:
		err = fmt.Errorf("outside a workflow run, state in artifacts can only be read: %w", err)
		remedy = "change it in a workflow, or use --store file:DIR here"
	}
	return &store.UnreadableError{Op: op, Err: err, Remedy: remedy}
}

// elsewhere reports whether a run is on a server of somebody's own: GitHub
// Enterprise Server, Gitea and Forgejo have no artifacts of version 4, or not all
// of it (github.com/actions/upload-artifact, README: not supported on GHES).
func elsewhere(run actions.Context) bool {
	return !run.Act && run.ServerURL != "" && run.ServerURL != "https://github.com" && !isGHE().MatchString(run.ServerURL)
}

// unanswered is the error of an artifact service that did not do what was asked.
func unanswered(run actions.Context, op string, err error) error {
	if elsewhere(run) && errors.Is(err, artifact.ErrNotFound) {
		return noService(run, op, err)
	}
	return &store.UnreadableError{Op: op, Err: err, Remedy: "run the job again; the artifact service did not answer"}
}

// denied is the error of a request that GitHub refused.
func denied(o Options, op string, err error) error {
	if limit, ok := errors.AsType[*actions.RateLimitError](err); ok {
		return &store.BusyError{Op: op, Until: o.Clock.Now().Add(limit.RetryAfter), Err: err}
	}
	if store.IsUnreadable(err) {
		return err
	}
	if elsewhere(o.Run) && actions.Status(err) == 404 {
		return noService(o.Run, op, err)
	}
	return &store.UnreadableError{Op: op, Err: err, Remedy: actions.Remedy(err, permission)}
}
