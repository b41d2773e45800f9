package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/storetest"
)

// flawVariable, when set, makes TestFlawedStore run the suite on a store with
// that flaw. It runs in a process of its own, because it must fail.
const flawVariable = "SLUICE_TEST_FLAW"

// flaws are mistakes that a store could make, and the case that notices each.
var flaws = map[string]string{
	"none":                        "",
	"ignores versions":            "StaleVersion",
	"swaps without looking first": "WritersOfOneRecord",
	"creates over what exists":    "CreatedMeanwhile",
	"generations may fall":        "GenerationsOnlyRise",
	"saves half of a commit":      "AtomicRefusal",
	"unreadable is empty":         "Unreadable",
	"writes where it cannot read": "Unreadable",
	"no remedy":                   "Unreadable",
	"lists nothing when broken":   "Unreadable",
	"goes on when cancelled":      "CancelledBefore",
	"cancelled is unreadable":     "CancelledBefore",
	"escapes":                     "Content",
	"cuts large records":          "Large",
	"lists other pipelines":       "List",
	"forgets where":               "Where",
	"old version in the answer":   "RoundTrip",
	"reverses the keys":           "NeverWritten",
	"accepts paths":               "BadNames",
	"accepts any size":            "SizeLimit",
	"writes on empty commits":     "EmptyCommit",
	"one place for all kinds":     "KindsApart",
	"any kind":                    "KindsApart",
	"lists all kinds":             "ListOfOneKind",
	"removes nothing":             "Removal",
	"removes whatever is there":   "RemovalOfAnotherVersion",
	"remembers what was removed":  "Removal",
	"removes after the rest":      "RemovalAmongSaves",
	"never again":                 "RemovedAndMadeAnew",
	"both win":                    "WritersAndRemovers",
	"one entry after the other":   "GroupCommit",
	"loads one after the other":   "ManyEntries",
	"looks at what others keep":   "Crowd",
	"forgets the last of many":    "GroupCommit",
}

func TestSuiteNoticesFlaws(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for flaw, wanted := range flaws {
		t.Run(flaw, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestFlawedStore$/^"+wanted, "-test.v")
			cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
			out, err := cmd.CombinedOutput()
			if wanted == "" {
				if err != nil {
					t.Errorf("the suite fails a store without a flaw: %v\n%s", err, out)
				}
				return
			}
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawedStore/"+wanted+" ") {
				t.Errorf("the case %s does not notice (%v)\n%s", wanted, err, out)
			}
		})
	}
}

func TestFlawedStore(t *testing.T) {
	flaw := os.Getenv(flawVariable)
	if flaw == "" {
		t.Skip("run by TestSuiteNoticesFlaws")
	}
	storetest.Run(t, func(*testing.T) storetest.Harness {
		m, broken := storetest.NewMemory(), false
		extra, others, loads := 0, 0, &atomic.Int64{}
		return storetest.Harness{
			Open:   func(*testing.T) store.Store { return &flawed{m.Another(), flaw, &broken, &extra, loads} },
			Writes: func() int { return m.Commits() + extra },
			Requests: func() int {
				if flaw == "looks at what others keep" {
					return (int(loads.Load()) + m.Commits()) * (others + 1)
				}
				return int(loads.Load()) + m.Commits()
			},
			Crowd: func(n int) { others = n },
			Breaks: map[string]func(*testing.T) func(){"broken": func(*testing.T) func() {
				broken = true
				return func() { broken = false }
			}},
		}
	})
}

// flawed is a good store that makes one mistake.
type flawed struct {
	*storetest.Memory
	flaw   string
	broken *bool
	writes *int
	loads  *atomic.Int64
}

func (f *flawed) refuse(op string) error {
	u := &store.UnreadableError{Op: op, Err: errors.New("broken"), Remedy: "repair it"}
	if f.flaw == "no remedy" {
		u.Remedy = ""
	}
	return u
}

func (f *flawed) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if *f.broken && f.flaw == "unreadable is empty" {
		entries := make([]store.Entry, len(keys))
		for i, k := range keys {
			entries[i].Key = k
		}
		return entries, nil
	}
	if *f.broken {
		return nil, f.refuse("read")
	}
	if f.flaw == "accepts paths" && store.CheckKeys(keys) != nil {
		return make([]store.Entry, len(keys)), nil
	}
	if f.flaw == "loads one after the other" && len(keys) > 1 {
		var all []store.Entry
		for _, k := range keys {
			f.loads.Add(1)
			one, err := f.Memory.Load(ctx, k)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	f.loads.Add(1)
	entries, err := f.Memory.Load(ctx, f.mistaken(keys)...)
	for i := range entries {
		entries[i].Key = keys[i]
	}
	if f.flaw == "cancelled is unreadable" && ctx.Err() != nil {
		return nil, f.refuse("read")
	}
	for i := range entries {
		switch {
		case f.flaw == "escapes":
			entries[i].Data = bytes.ReplaceAll(entries[i].Data, []byte("<"), []byte("\\u003c"))
		case f.flaw == "cuts large records" && len(entries[i].Data) > 64<<10:
			entries[i].Data = entries[i].Data[:64<<10]
		case f.flaw == "reverses the keys" && i == 0:
			entries[i].Key = keys[len(keys)-1]
		}
	}
	return entries, err
}

// Facts of a store that likes batches.
func (f *flawed) Facts() store.Facts {
	facts := f.Memory.Facts()
	facts.Together = true
	return facts
}

func (f *flawed) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if *f.broken && f.flaw != "lists nothing when broken" {
		return nil, f.refuse("list")
	}
	if f.flaw == "any kind" && !slices.Contains(store.Kinds(), kind) {
		return nil, nil
	}
	keys, err := f.Memory.List(ctx, pipeline, kind)
	if f.flaw == "lists other pipelines" {
		other, otherErr := f.Memory.List(ctx, pipeline+"-2", kind)
		return append(keys, other...), errors.Join(err, otherErr)
	}
	if f.flaw == "lists all kinds" && kind == store.KindRun {
		other, otherErr := f.Memory.List(ctx, pipeline, store.KindPromotion)
		return append(keys, other...), errors.Join(err, otherErr)
	}
	return keys, err
}

func (f *flawed) Where() []store.Saved {
	if f.flaw == "forgets where" {
		return nil
	}
	return f.Memory.Where()
}

func (f *flawed) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if *f.broken && f.flaw == "writes where it cannot read" {
		*f.writes++
	}
	if *f.broken {
		return nil, f.refuse("write")
	}
	switch f.flaw {
	case "goes on when cancelled":
		ctx = context.WithoutCancel(ctx)
	case "writes on empty commits":
		*f.writes++
	case "accepts any size":
		if len(entries) == 1 && len(entries[0].Data) > store.MaxRecord {
			return entries, nil
		}
	case "one entry after the other":
		return f.oneByOne(ctx, entries)
	case "forgets the last of many":
		if n := len(entries); n > 256 {
			saved, err := f.Memory.Commit(ctx, entries[:n-1]...)
			return append(saved, entries[n-1]), err
		}
	case "saves half of a commit":
		if len(entries) > 1 {
			if _, err := f.Memory.Commit(ctx, entries[0]); err != nil {
				return nil, err
			}
			return f.Memory.Commit(ctx, entries[1:]...)
		}
	}
	saved, err := f.commit(ctx, f.tamper(ctx, entries))
	if f.flaw == "old version in the answer" {
		for i := range saved {
			saved[i].Version = entries[i].Version
		}
	}
	return saved, err
}

func (f *flawed) oneByOne(ctx context.Context, entries []store.Entry) ([]store.Entry, error) {
	var all []store.Entry
	for _, e := range entries {
		saved, err := f.Memory.Commit(ctx, e)
		if err != nil {
			return all, err
		}
		all = append(all, saved...)
	}
	return all, nil
}

// mistaken are keys as a store takes them that mixes kinds up.
func (f *flawed) mistaken(keys []store.Key) []store.Key {
	out := slices.Clone(keys)
	for i := range out {
		if f.flaw == "one place for all kinds" || f.flaw == "any kind" && !slices.Contains(store.Kinds(), out[i].Kind) {
			out[i].Kind = store.KindTarget
		}
	}
	return out
}

// commit commits entries with the mistakes that are about kinds and removals.
func (f *flawed) commit(ctx context.Context, entries []store.Entry) ([]store.Entry, error) {
	keys := make([]store.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	real, removed := slices.Clone(entries), map[store.Key]bool{}
	for i, k := range f.mistaken(keys) {
		if real[i].Key = k; real[i].Data != nil {
			continue
		}
		if removed[k] = true; f.flaw == "remembers what was removed" {
			real[i].Data = []byte("null")
		}
	}
	isRemoved := func(e store.Entry) bool { return removed[e.Key] }
	switch f.flaw {
	case "removes nothing":
		if len(real) == 1 && isRemoved(real[0]) {
			real[0].Version = ""
			return real, nil
		}
	case "removes after the rest":
		if rest := slices.DeleteFunc(slices.Clone(real), isRemoved); len(rest) > 0 && len(rest) < len(real) {
			if _, err := f.Memory.Commit(ctx, rest...); err != nil {
				return nil, err
			}
			_, err := f.Memory.Commit(ctx, slices.DeleteFunc(real, func(e store.Entry) bool { return !isRemoved(e) })...)
			return nil, err
		}
	case "never again":
		for _, e := range f.History() {
			if e.Data == nil && slices.Contains(keys, e.Key) {
				return nil, &store.ConflictError{Keys: []store.Key{e.Key}}
			}
		}
	}
	saved, err := f.Memory.Commit(ctx, real...)
	if f.flaw == "both win" && store.IsConflict(err) && isRemoved(real[0]) {
		real[0].Version = ""
		return real[:1], nil
	}
	for i := range saved {
		if saved[i].Key = keys[i]; removed[real[i].Key] {
			saved[i].Version = ""
		}
	}
	return saved, err
}

// tamper gives entries the version or the generation that lets them win.
func (f *flawed) tamper(ctx context.Context, entries []store.Entry) []store.Entry {
	out := make([]store.Entry, len(entries))
	for i, e := range entries {
		now, err := f.Memory.Load(context.WithoutCancel(ctx), e.Key)
		if out[i] = e; err != nil || ctx.Err() != nil {
			continue
		}
		switch {
		case f.flaw == "removes whatever is there" && e.Data == nil:
			out[i].Version, out[i].Generation = now[0].Version, now[0].Generation+1
		case f.flaw == "ignores versions", f.flaw == "creates over what exists" && e.Version == "":
			out[i].Version = now[0].Version
		case f.flaw == "swaps without looking first":
			out[i].Version, out[i].Generation = now[0].Version, now[0].Generation+1
		case f.flaw == "generations may fall" && e.Version == now[0].Version:
			out[i].Generation = max(e.Generation, now[0].Generation+1)
		}
	}
	return out
}
