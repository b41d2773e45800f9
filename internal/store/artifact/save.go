package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"sluice/internal/actions"
	"sluice/internal/actions/artifact"
	"sluice/internal/store"
)

// Swap uploads a snapshot a pipeline. What other runs save meanwhile it cannot
// notice; what other jobs of this run saved it does.
func (s *shelves) Swap(ctx context.Context, saves []store.Save) []store.Swapped {
	s.turn.Lock()
	defer s.turn.Unlock()
	if err := s.mayChange(ctx); err != nil {
		return store.Failed(saves, err)
	}
	out := make([]store.Swapped, len(saves))
	keys := make([]store.Key, len(saves))
	for i, save := range saves {
		keys[i] = save.Key
	}
	for _, pipeline := range pipelinesOf(keys) {
		var part []store.Save
		var at []int
		for i, save := range saves {
			if save.Key.Pipeline == pipeline {
				part, at = append(part, save), append(at, i)
			}
		}
		for n, swapped := range s.swap(ctx, pipeline, part) {
			out[at[n]] = swapped
		}
	}
	return out
}

func (s *shelves) swap(ctx context.Context, pipeline string, saves []store.Save) []store.Swapped {
	if err := s.refresh(ctx, "write", pipeline); err != nil {
		return store.Failed(saves, err)
	}
	if err := s.compare(pipeline, saves); err != nil {
		return store.Failed(saves, err)
	}
	name, err := s.save(ctx, pipeline, saves)
	if err != nil {
		return store.Failed(saves, unwritten(s.options.Run, err))
	}
	swapped := make([]store.Swapped, len(saves))
	for i, save := range saves {
		if !save.Removes() {
			swapped[i] = store.Swapped{Version: save.Digest, Location: name}
		}
	}
	return swapped
}

// compare reports which entries somebody else changed.
func (s *shelves) compare(pipeline string, saves []store.Save) error {
	lost := &store.ConflictError{}
	for _, save := range saves {
		versions := s.shelf(pipeline).entries[save.Key]
		switch {
		case len(versions) > 1:
			s.blame(lost, save.Key, versions)
		case len(versions) == 1 && (versions[0].Version != save.Version || versions[0].Generation >= save.Generation):
			lost.Keys = append(lost.Keys, save.Key)
			lost.Who = append(lost.Who, versions[0].who(s.options.Run.RunID))
		case len(versions) == 0 && save.Version != "":
			lost.Keys = append(lost.Keys, save.Key)
		}
	}
	if len(lost.Keys) == 0 {
		return nil
	}
	return lost
}

// who says which run saved an entry; run is this one.
func (i *item) who(run int64) string {
	if i.Run == run {
		return fmt.Sprintf("another job of run %d", i.Run)
	}
	return by(i)
}

const (
	// tries is how often a name is looked for because other jobs of this run hold all.
	tries = 40
	// patience is how many of them leave the last free name to a save that goes on
	// from all others: jobs that took it each for itself would leave none.
	patience = 20
)

var (
	// errBehind means that another job of this run saved since this one looked.
	errBehind = errors.New("another job of this run saved meanwhile")
	// errCrowded means that others did so for as long as it was tried.
	errCrowded = fmt.Errorf("other jobs of this run were faster %d times in a row", tries)
)

// save uploads the pipeline's state with saves in it. It deletes what this run saved
// before, once the new one is finalised.
func (s *shelves) save(ctx context.Context, pipeline string, saves []store.Save) (name string, err error) {
	in := lane(s.options.Shard)
	if in != "" && !s.pinned(pipeline) {
		if _, err := s.put(ctx, pipeline, "", nil); err != nil {
			return "", err
		}
	}
	return s.put(ctx, pipeline, in, saves)
}

// pins reports whether what this process saves names its run as one whose jobs save
// side by side.
func (s *shelves) pins() bool { return s.options.Shard != "" || s.pinning }

// pinned reports whether this run is named as one whose jobs save side by side.
func (s *shelves) pinned(pipeline string) bool {
	return slices.ContainsFunc(s.shelf(pipeline).pins(), func(p pin) bool { return p.Run == s.options.Run.RunID })
}

// put uploads a snapshot under one of a lane's names. Where other jobs hold all of
// them it goes on from what they saved; where they go on saving it is busy.
func (s *shelves) put(ctx context.Context, pipeline, in string, saves []store.Save) (name string, err error) {
	known := 0
	for try := 1; ; try++ {
		if try == patience {
			known = len(s.shelf(pipeline).known)
		}
		name, err = s.putOnce(ctx, pipeline, in, saves, try > patience)
		switch again := errors.Is(err, artifact.ErrExists) || errors.Is(err, errBehind); {
		case !again:
			return name, err
		case try == tries && (errors.Is(err, errBehind) || len(s.shelf(pipeline).known) > known):
			return "", &store.BusyError{Op: "write", Until: s.options.Clock.Now().Add(tries * s.options.Wait), Err: errCrowded}
		case try == tries:
			return "", err
		}
		if err := s.goOn(ctx, pipeline, saves, time.Duration(try)*s.options.Wait); err != nil {
			return "", err
		}
		if in == "" && len(saves) == 0 && s.pins() && s.pinned(pipeline) {
			return "", nil // another job has pinned the run
		}
	}
}

// goOn waits for at most so long and takes over what other jobs saved meanwhile, unless
// that is what is to be saved here.
func (s *shelves) goOn(ctx context.Context, pipeline string, saves []store.Save, wait time.Duration) error {
	if err := s.options.Clock.Sleep(ctx, rand.N(wait)); err != nil {
		return err
	}
	if err := s.refresh(ctx, "write", pipeline); err != nil {
		return err
	}
	return s.compare(pipeline, saves)
}

func (s *shelves) putOnce(ctx context.Context, pipeline, in string, saves []store.Save, last bool) (string, error) {
	if err := s.options.Pace.Wait(ctx); err != nil {
		return "", err
	}
	next, err := s.next(pipeline, saves)
	if err != nil {
		return "", err
	}
	zip, err := next.pack()
	if err != nil {
		return "", err
	}
	runs, err := s.runs()
	if err != nil {
		return "", noService(s.options.Run, "write", err)
	}
	own, err := s.findOwn(ctx, "write", pipeline)
	if err != nil {
		return "", err
	}
	own = slices.DeleteFunc(own, func(c candidate) bool { return c.lane != in })
	for _, c := range own {
		if c.digest != "" && !s.shelf(pipeline).knows(c.digest) {
			return "", errBehind
		}
	}
	name, err := s.upload(ctx, runs, own, names(pipeline, in), zip, last)
	if err != nil {
		return "", err
	}
	for _, i := range next.Entries {
		if i.Origin.ID == "" {
			i.Origin = next.self()
		}
	}
	next.lane = in
	s.shelf(pipeline).add(s.options.Join, next)
	s.sweep(ctx, runs, pipeline, slices.DeleteFunc(own, func(c candidate) bool { return c.name == name }))
	return name, nil
}

// next is the snapshot that goes on from what is known, with saves in it.
func (s *shelves) next(pipeline string, saves []store.Save) (*snapshot, error) {
	shelf := s.shelf(pipeline)
	next := &snapshot{Pipeline: pipeline, SavedBy: s.options.Run.Run() + s.reason, At: s.options.Clock.Now().UTC(), Pins: shelf.pins()}
	next.lineage(shelf.heads)
	if s.pins() && !s.pinned(pipeline) {
		next.Pins = append([]pin{{Run: s.options.Run.RunID, At: next.At}}, next.Pins...)
		next.Pins = next.Pins[:min(len(next.Pins), maxPins)]
	}
	replaced := map[store.Key]bool{}
	for _, save := range saves {
		if replaced[save.Key] = true; save.Removes() {
			continue
		}
		i, err := s.item(save)
		if err != nil {
			return nil, err
		}
		i.Bases = basesOf(s.options, shelf.entries[save.Key], i)
		next.Entries = append(next.Entries, i)
	}
	for _, k := range shelf.keys() {
		if replaced[k] {
			continue
		}
		for _, i := range shelf.entries[k] {
			kept, err := s.kept(i)
			if err != nil {
				return nil, err
			}
			next.Entries = append(next.Entries, kept)
		}
	}
	return next, nil
}

// item is an entry that this run saves.
func (s *shelves) item(save store.Save) (*item, error) {
	found, err := store.Decode(save.Key, save.Text)
	if err != nil {
		return nil, err
	}
	found.Version = save.Digest
	return &item{Run: s.options.Run.RunID, Sealed: json.RawMessage(save.Text), Stored: found}, nil
}

// basesOf are what an entry that is saved was made of, where all that is changed is
// what runs may say side by side: then it can be joined with what another makes of it.
func basesOf(o Options, versions []*item, now *item) []*base {
	if o.Join == nil || now.Key.Kind != store.KindTarget || len(versions) != 1 || len(versions[0].Sealed) == 0 {
		return nil
	}
	was := versions[0]
	if _, ok := o.Join(now.Key, was.Data, now.Data, was.Data); !ok {
		return nil
	}
	all := append(slices.Clone(was.Bases), &base{Origin: was.Origin, Sealed: was.Sealed, stored: was.Stored})
	return all[max(0, len(all)-maxBases):]
}

// kept is an entry as the next snapshot has it: as it is, or, where it was joined of
// two, in an envelope of its own.
func (s *shelves) kept(i *item) (*item, error) {
	if len(i.Sealed) > 0 {
		again := *i
		return &again, nil
	}
	text, digest, err := store.Encode(i.Entry, i.By)
	if err != nil {
		return nil, err
	}
	return s.item(store.Save{Entry: i.Entry, Text: text, Digest: digest})
}

// upload takes the names in turn, those that are free. Others may have begun uploads
// that no list shows: the last name is left to them, unless last says otherwise.
func (s *shelves) upload(ctx context.Context, runs *artifact.Client, own []candidate, names []string, zip []byte, last bool) (string, error) {
	live := map[string]bool{}
	for _, c := range own {
		live[c.name] = true
	}
	begun := 0
	for n := 1; n <= len(names); n++ {
		at := (s.last[names[0]] + n) % len(names)
		name := names[at]
		if live[name] {
			continue
		}
		if s.burnt[name] || begun > 0 && n == len(names) && !last {
			begun++
			continue
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
		_, err := runs.Upload(ctx, name, zip)
		if errors.Is(err, artifact.ErrExists) {
			s.burnt[name] = true
			begun++
			continue
		}
		if err == nil {
			s.last[names[0]] = at
		}
		return name, err
	}
	clear(s.burnt) // others may have deleted theirs when it is tried again
	return "", artifact.ErrExists
}

// sweep deletes what this run saved before in the lane, which the new snapshot goes
// on from. What stays behind is harmless, so failures are only warned of.
func (s *shelves) sweep(ctx context.Context, runs *artifact.Client, pipeline string, older []candidate) {
	older = s.still(ctx, runs, pipeline, older)
	for _, c := range older {
		if ctx.Err() != nil {
			return
		}
		if err := runs.Delete(ctx, *c.own); err != nil && !errors.Is(err, artifact.ErrNotFound) && ctx.Err() == nil {
			s.warn(fmt.Sprintf("artifact %s is older state and could not be deleted: %v", c.name, err))
		}
	}
}

// still are those that are there as they were listed: where another job uploaded
// some, it may have used their names again.
func (s *shelves) still(ctx context.Context, runs *artifact.Client, pipeline string, older []candidate) []candidate {
	if !slices.ContainsFunc(older, func(c candidate) bool { return runs.ByOther(*c.own) }) {
		return older
	}
	now, err := s.findOwn(ctx, "write", pipeline)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(older, func(c candidate) bool {
		return !slices.ContainsFunc(now, func(n candidate) bool { return n.name == c.name && n.own.ID == c.own.ID && n.digest == c.digest })
	})
}

// unwritten is the error of a snapshot that was not saved.
func unwritten(run actions.Context, err error) error {
	if _, busy := store.IsBusy(err); busy || store.IsUnreadable(err) || store.IsConflict(err) {
		return err
	}
	remedy := "run the job again; the artifact service did not take the state"
	switch {
	case errors.Is(err, artifact.ErrQuota):
		remedy = "delete artifacts or raise the account's storage limit, or keep state elsewhere (state: {store: git})"
	case errors.Is(err, artifact.ErrExists):
		remedy = "re-run the job, whose next attempt has names of its own, or let fewer jobs of one run save at a time"
	case elsewhere(run) && errors.Is(err, artifact.ErrNotFound):
		return noService(run, "write", err)
	}
	return &store.UnreadableError{Op: "write", Err: err, Remedy: remedy}
}
