// Package artifact keeps state in the artifacts of GitHub workflow runs: one
// artifact a pipeline, which holds all of its entries. It needs no infrastructure,
// and only the permission actions: read.
//
// A save uploads a snapshot under one of a few fixed names in turn, and deletes the
// run's older one once the newer is finalised: killed anywhere, the newest finalised
// one is read and nothing is lost. GitHub filters its list by exact names alone, so
// fixed names are found by one request each, however many artifacts a repository
// has. A name is free again when its artifact was deleted; one that is answered with
// "exists" belongs to an upload that was begun and never finalised, and the next
// name is taken.
//
// Artifacts cannot be compared and swapped. A snapshot says which ones it goes on
// from, and each of its entries in which it was saved, so runs that saved side by
// side are noticed when state is read, and only the targets that both changed are a
// conflict. A concurrency group of the workflow keeps that from happening. The jobs
// of a matrix, which do it on purpose, save under names of their own. Their plan, else
// the first of them, names their run in the snapshots (a pin), so that others look into
// its list; the job that collects them saves what they come to together.
//
// Whoever can run a workflow in the repository can upload an artifact. Only those
// of runs of this repository, not of a fork, on a ref that may change state are
// looked at.
package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/store"
	"sluice/internal/work"
)

// Options are what a store needs. The functions are called when the store is
// first used.
type Options struct {
	Runs   func() (*artifact.Client, error) // the artifacts of this run; an error outside of one
	GitHub func() (*actions.Client, error)  // those of the repository's other runs
	Run    actions.Context                  // this run
	// Refs are those whose runs may change state; empty means the default branch.
	Refs actions.Refs
	// Shard is the share of a matrix that this job has, "2/8"; "" where it has all.
	Shard string
	Join  store.Join           // nil joins nothing
	Warn  func(message string) // nil drops warnings
	Clock work.Clock           // the zero Clock is the machine's
	// Fresh is how long the list of the other runs' artifacts is good for; 0 means two
	// minutes. This run's own is asked each time.
	Fresh time.Duration
	// Pace spreads saves; nil means 40 at once and one every two seconds, after a hundred
	// one every four: a job may create 500 artifacts, and what waits is saved together.
	Pace *store.Pace
	Wait time.Duration // at most, before names that other jobs hold are tried again; 0 means a second
}

// shelves keeps state in artifacts.
type shelves struct {
	options Options
	runs    func() (*artifact.Client, error)
	github  func() (*actions.Client, error)

	reason  string // what a person decided, for those who look at the snapshot
	pinning bool   // the next snapshot names this run as one whose jobs save side by side

	turn sync.Mutex // one call at a time: each goes on from what the one before found

	pipelines map[string]*shelf
	listed    map[string]time.Time // by pipeline: when other runs' artifacts were listed
	looked    map[string]time.Time // by pipeline: when this run's own were listed, too
	burnt     map[string]bool      // names that this run can use no more
	last      map[string]int       // by lane: the name that was used last

	mu     sync.Mutex
	warned map[string]bool
	refs   actions.Refs // resolved
	home   int64        // this repository's id, resolved
}

// Open returns the store. It sends nothing before its first use.
func Open(options Options) store.Store {
	return store.New(open(options), options.Run.Run())
}

func open(options Options) *shelves {
	if options.Warn == nil {
		options.Warn = func(string) {}
	}
	options.Clock = options.Clock.Filled()
	if options.Fresh == 0 {
		options.Fresh = 2 * time.Minute
	}
	if options.Pace == nil {
		options.Pace = store.NewPace(options.Clock, store.Bucket{AtOnce: 40, Every: 2 * time.Second}, store.Bucket{AtOnce: 100, Every: 4 * time.Second})
	}
	if options.Wait == 0 {
		options.Wait = time.Second
	}
	return &shelves{
		options: options, runs: sync.OnceValues(options.Runs), github: sync.OnceValues(options.GitHub),
		pipelines: map[string]*shelf{}, listed: map[string]time.Time{}, looked: map[string]time.Time{}, burnt: map[string]bool{}, last: map[string]int{}, warned: map[string]bool{},
	}
}

// Facts say that the store cannot swap, that one artifact holds all entries of a
// commit, and that GitHub authenticated whoever writes.
func (s *shelves) Facts() store.Facts {
	return store.Facts{Name: "artifact", Atomic: true, Identity: true, Together: true}
}

func (s *shelves) shelf(pipeline string) *shelf {
	if s.pipelines[pipeline] == nil {
		s.pipelines[pipeline] = newShelf()
	}
	return s.pipelines[pipeline]
}

// Read finds the newest snapshots and looks the entries up in them.
func (s *shelves) Read(ctx context.Context, keys []store.Key) ([]store.Stored, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	for _, pipeline := range pipelinesOf(keys) {
		if err := s.refresh(ctx, "read", pipeline); err != nil {
			return nil, err
		}
	}
	found := make([]store.Stored, len(keys))
	lost := &store.ConflictError{}
	for i, k := range keys {
		found[i].Key = k
		switch versions := s.shelf(k.Pipeline).entries[k]; {
		case len(versions) == 1:
			found[i] = versions[0].Stored
		case len(versions) > 1:
			s.blame(lost, k, versions)
		}
	}
	if len(lost.Keys) > 0 {
		return nil, lost
	}
	return found, nil
}

func pipelinesOf(keys []store.Key) []string {
	var names []string
	for _, k := range keys {
		if !slices.Contains(names, k.Pipeline) {
			names = append(names, k.Pipeline)
		}
	}
	return names
}

// blame adds to a conflict an entry of which there are several versions: who saved
// each, and how to go on from one.
func (s *shelves) blame(lost *store.ConflictError, k store.Key, versions []*item) {
	lost.Keys = append(lost.Keys, k)
	for _, v := range versions {
		who := fmt.Sprintf("%s saved generation %d: to go on from it, `sluice state accept %d --reason …`", by(v), v.Generation, v.Run)
		if !slices.Contains(lost.Who, who) {
			lost.Who = append(lost.Who, who)
		}
	}
	const advice = "give the workflow a concurrency group"
	lost.Who = append(slices.DeleteFunc(lost.Who, func(w string) bool { return w == advice }), advice)
}

func by(v *item) string {
	if v.By != "" {
		return v.By
	}
	return fmt.Sprintf("run %d", v.Run)
}

// List returns the entries of one kind. What was read within the last second is not
// looked for again: a load reads entries and then lists their kind.
func (s *shelves) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.options.Clock.Now().Sub(s.looked[pipeline]) >= min(time.Second, s.options.Fresh) {
		if err := s.refresh(ctx, "list", pipeline); err != nil {
			return nil, err
		}
	}
	var keys []store.Key
	for k := range s.shelf(pipeline).entries {
		if k.Kind == kind {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// searches is how often the artifacts are looked for again because one vanished
// between the list and the download: a newer one took its place.
const searches = 8

// refresh takes over what was saved since the last look.
func (s *shelves) refresh(ctx context.Context, op, pipeline string) error {
	for search := 1; ; search++ {
		err := s.search(ctx, op, pipeline)
		if search < searches && isGone(err) && ctx.Err() == nil {
			delete(s.listed, pipeline)
			delete(s.looked, pipeline)
			continue
		}
		return err
	}
}

// search lists and reads once: the fixed names, then the runs that what was read
// names as pins.
func (s *shelves) search(ctx context.Context, op, pipeline string) error {
	now := s.options.Clock.Now()
	stale := now.Sub(s.listed[pipeline]) >= s.options.Fresh
	found, err := s.find(ctx, op, pipeline, stale)
	if err == nil {
		err = s.readAll(ctx, op, pipeline, found)
	}
	if err != nil {
		return err
	}
	if stale {
		if found, err = s.findPinned(ctx, op, pipeline); err == nil {
			err = s.readAll(ctx, op, pipeline, found)
		}
		if err != nil {
			return err
		}
		s.listed[pipeline] = now
	}
	s.looked[pipeline] = s.options.Clock.Now() // the search itself may take longer than List's second
	return nil
}

// readAll takes over what artifacts hold, those of them that are news. Newer ones
// come first: what these go on from is no news then.
func (s *shelves) readAll(ctx context.Context, op, pipeline string, found []candidate) error {
	shelf := s.shelf(pipeline)
	for _, c := range found {
		if c.digest != "" && shelf.knows(c.digest) || shelf.isOld(c) {
			continue
		}
		if err := usable(c); err != nil {
			return err
		}
		read, err := s.read(ctx, op, c)
		if err != nil {
			return err
		}
		if read != nil {
			if text := c.expiring(s.options.Clock.Now()); text != "" {
				s.warn(text)
			}
			read.lane = c.lane
			shelf.add(s.options.Join, read)
		}
	}
	return nil
}

// isOld reports whether an artifact is older than all that a head still names: a
// day's difference between two clocks does not matter.
func (s *shelf) isOld(c candidate) bool {
	return !c.created.IsZero() && slices.ContainsFunc(s.heads, func(h *snapshot) bool {
		oldest, cut := h.oldest()
		return cut && c.created.Before(oldest.At.Add(-24*time.Hour))
	})
}

// warn says everything once.
func (s *shelves) warn(message string) {
	s.mu.Lock()
	again := s.warned[message]
	s.warned[message] = true
	s.mu.Unlock()
	if !again {
		s.options.Warn(message)
	}
}

// usable refuses an artifact that may hold the newest state where it cannot be read
// or trusted: the one before it is not the state.
func usable(c candidate) error {
	switch {
	case c.unproven:
		return &store.UnreadableError{
			Op: "read", Err: fmt.Errorf("GitHub does not say which run uploaded artifact %s", c.name),
			Remedy: "delete the artifact if nobody knows it",
		}
	case c.expired:
		return &store.UnreadableError{
			Op: "read", Err: fmt.Errorf("%w: artifact %s of run %d", actions.ErrExpired, c.name, c.run),
			Remedy: "delete that artifact, adopt what runs today with `sluice state import`, and keep state in a store that does not expire (state: {store: git})",
		}
	}
	return nil
}

// soon is how long before the newest state's expiry people are warned.
const soon = 14 * 24 * time.Hour

// expiring says that the state is about to expire; "" where it is not.
func (c candidate) expiring(now time.Time) string {
	if c.expires.IsZero() || c.expires.Sub(now) > soon {
		return ""
	}
	return fmt.Sprintf("the state of %s expires on %s with artifact %s: the next promotion renews it, `sluice state migrate --to-store git` keeps it for good",
		c.pipeline, c.expires.UTC().Format(time.DateOnly), c.name)
}

// isGone reports whether an artifact vanished between the list and the
// download, or another has its name by now.
func isGone(err error) bool {
	if errors.Is(err, artifact.ErrNotFound) || errors.Is(err, errReplaced) {
		return true
	}
	var refused *artifact.StatusError
	return errors.Is(err, errDownload) && actions.Status(err) == http.StatusNotFound ||
		errors.As(err, &refused) && refused.Status == http.StatusForbidden
}
