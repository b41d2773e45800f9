package rollout

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/stages/driver"
)

// full is a record in which everything that can be set is set.
func full(t *testing.T) Record {
	s := newRig(t)
	s.script["canary-10/verify"] = []string{"fail"}
	s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run"}
	s.start(canary("10"), waits(time.Hour), gated(JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy), approved(ApprovalSpec{Quorum: 1, Approvers: []string{"bob"}}), func(p *Spec) {
		p.Controlled, p.Variables, p.Poll = true, map[string]string{"a": "b"}, Poll{Initial: Duration(time.Second), Factor: 2}
		p.Gates.Verify[0].HTTP = &HTTPGate{URL: "https://example.com"}
	})
	s.must(s.apply(Vote{Approve: true, Voter: voter("bob", "")}))
	s.run()
	s.start(release("r3"), promotion("p2"))
	s.must(s.apply(TakeLease{Run: "run-1"}))
	s.must(s.apply(AddBlock{Block: abandonOf("r9")}))
	s.must(s.apply(AddOrder{Order: Order{ID: "o1", Command: OrderCancel, By: "bob", WaitsUntil: t0.Add(time.Hour)}}))
	s.must(s.apply(Stopped{Cause: StopPlatform, Until: t0.Add(time.Hour), Message: "503"}))
	e := s.rollout("r2-to-web-0001")
	e.Asked = []Request{{Kind: driver.Rollback, Phase: "stable"}}
	e.Rollout.Phases = append(e.Rollout.Phases, Phase{ID: "x", ChildRolloutJobs: &ChildRolloutJobs{
		CreateRolloutJobs: []Job{{ID: "a", CreateChildRolloutJob: jsontext.Value("{}")}}, AdvanceRolloutJobs: []Job{{ID: "b"}},
	}})
	s.r.Past = []Past{{Rollout: "r0-to-web-0001", Promotion: "p0", State: StateSucceeded, Release: "r0", Good: true}}
	s.seal()
	if len(s.r.Rollouts) != 2 || len(s.r.Events) < 15 {
		t.Fatalf("%d rollouts, %d events", len(s.r.Rollouts), len(s.r.Events))
	}
	return s.r
}

// fullPromotion is a promotion in which everything that can be set is set.
func fullPromotion() Promotion {
	return Promotion{
		Schema: Schema, Pipeline: "shop", ID: "p1", Generation: 3, Command: CommandPromote, Stage: "production", From: "staging",
		Reason: "spring", Actor: "alice", Person: true, RunURL: "https://runs/1", Origin: "o", Attempt: 2, Commit: "abc", CreateTime: t0,
		Members: []string{"a", "b"}, Unchanged: []string{"b"}, OnFailure: OnFailureHalt, TakeBack: TakeBackWave,
		Waves: waves(time.Minute, 1, 1, 2), WaveEnds: []time.Time{t0}, Halted: &Halt{By: "a", At: t0, Cause: ExecutionFailed},
		Skips: []Skip{{Target: "a", By: "bob", Reason: "broken", At: t0}}, Calls: []CallMembers{{Key: "k", Members: []string{"a", "b"}}},
		Checks: []StageCheck{{Phase: "stable", Job: JobVerify, Run: 1, State: CheckPassed, By: "a", At: t0}},
		Shards: &Shards{Run: "7", Count: 2, Members: [][]string{{"a"}, {"b"}}}, EndTime: t0,
	}
}

func fullRun() Run {
	return Run{
		Schema: Schema, Pipeline: "shop", ID: "run-1", Generation: 1, Name: "repo/7/job", Attempt: 2, RunURL: "https://runs/7", Actor: "alice",
		Host: "h", Boot: "b", PID: 7, PIDNS: "4026531836", PIDStarted: "12345", Started: t0, Until: t0.Add(15 * time.Minute), Ended: true,
	}
}

func fullHistory(t *testing.T) History {
	s := newRig(t)
	s.promoteMany(3)
	h := NewHistory("shop", "web")
	h.Add(s.seal(), 0)
	return h
}

// foreign reports whether a field holds an object of the driver contract's own
// types, which keep nothing they do not know, or values by key.
func foreign(key string) bool {
	return slices.Contains([]string{
		"call", "operation", "target", "source", "release", "options", "before", "after", "found", "baseline",
		"info", "variables", "attempts", "runs", "needs", "times", "headers", "previous", "sizes", "members", "past",
	}, key)
}

// strew adds an unknown member to every object of ours.
func strew(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if !foreign(key) {
				n += strew(value)
			}
		}
		v["fromTheFuture"] = []any{"kept"}
		n++
	case []any:
		for _, value := range v {
			n += strew(value)
		}
	}
	return n
}

// survive strews unknown fields over an entry and counts those that come back.
func survive[E Entry](t *testing.T, e E, least int, use func(*E)) {
	t.Helper()
	var tree any
	if err := json.Unmarshal(encodedEntry(t, e), &tree); err != nil {
		t.Fatal(err)
	}
	want := strew(tree)
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode[E](data)
	if err != nil {
		t.Fatal(err)
	}
	use(&back)
	if got := strings.Count(string(encodedEntry(t, back)), "fromTheFuture"); got != want || want < least {
		t.Errorf("%T: %d of %d unknown fields are left, at least %d are wanted", e, got, want, least)
	}
}

func encodedEntry[E Entry](t *testing.T, e E) []byte {
	t.Helper()
	data, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestUnknownFieldsSurvive at every level of every entry.
func TestUnknownFieldsSurvive(t *testing.T) {
	survive(t, full(t), 60, func(r *Record) {
		c := r.Clone()
		Settle(&c, nil, Setting{}, t0.Add(time.Second))
		*r = c
	})
	survive(t, fullPromotion(), 7, func(p *Promotion) { *p = p.Clone() })
	survive(t, fullRun(), 1, func(*Run) {})
	survive(t, fullHistory(t), 20, func(*History) {})
	survive(t, NewIndex("shop"), 1, func(*Index) {})
}

// same encodes an entry, decodes it and compares.
func same[E Entry](t *testing.T, e E) {
	t.Helper()
	data := encodedEntry(t, e)
	back, err := Decode[E](data)
	if err != nil {
		t.Fatal(err)
	}
	if again := encodedEntry(t, back); !bytes.Equal(again, data) {
		t.Errorf("it comes back as another:\n%s\n%s", data, again)
	}
	if strings.Contains(string(data), "Unknown") || strings.Contains(string(data), ": null") {
		t.Errorf("it has fields that nobody set:\n%s", data)
	}
}

func TestEncodeAndDecode(t *testing.T) {
	same(t, full(t))
	same(t, fullPromotion())
	same(t, fullRun())
	same(t, fullHistory(t))
	index := NewIndex("shop")
	index.Add("web", "api", "web")
	same(t, index)
}

// TestNoMemberIsNamedInARecord: the names of a promotion's targets stand once.
func TestNoMemberIsNamedInARecord(t *testing.T) {
	f := newFleet(t, "anna", "bert", "carl")
	f.promote(Promotion{OnFailure: OnFailureHalt}, canary("10"), staged(JobVerify))
	f.run()
	data := string(encoded(t, f.rigs["anna"].r))
	if strings.Contains(data, "bert") || strings.Contains(data, "carl") {
		t.Errorf("others are named:\n%s", data)
	}
}

func TestDecodeRefuses(t *testing.T) {
	head := `{"schema":"sluice.state/v2","pipeline":"shop","target":"web","generation":1`
	for name, c := range map[string]struct{ text, want string }{
		"nothing":            {``, "state is no JSON entry"},
		"no JSON":            {`generation: 1`, "state is no JSON entry"},
		"another document":   {`[]`, "state is no JSON entry"},
		"no schema":          {`{}`, `schema ""`},
		"a newer schema":     {`{"schema":"sluice.state/v3"}`, `has schema "sluice.state/v3" and this version of sluice reads sluice.state/v2; use the version that wrote it, or a newer one`},
		"the older schema":   {`{"schema":"sluice.state/v1"}`, "the format of unreleased versions of sluice, and nothing that reads it was ever released: start a new state with `sluice state import`"},
		"cut short":          {head, "state is no JSON entry"},
		"a field twice":      {head + `,"generation":2}`, "duplicate"},
		"a wrong type":       {head + `,"events":7}`, "state is no sluice.state/v2 record"},
		"a wrong time":       {head + `,"events":[{"eventID":1,"type":"x","timestamp":"noon"}]}`, "state is no sluice.state/v2 record"},
		"no target":          {`{"schema":"sluice.state/v2","pipeline":"shop"}`, "names no pipeline or no target"},
		"no pipeline":        {`{"schema":"sluice.state/v2","target":"web"}`, "names no pipeline or no target"},
		"a negative one":     {`{"schema":"sluice.state/v2","pipeline":"shop","target":"web","generation":-1}`, "state of web has generation -1"},
		"a rollout twice":    {head + `,"rollouts":[{"rollout":{"name":"a"}},{"rollout":{"name":"a"}}]}`, `two rollouts named "a"`},
		"a nameless rollout": {head + `,"rollouts":[{"rollout":{}}]}`, "or one without a name"},
		"a block twice":      {head + `,"blocks":[{"id":"b"},{"id":"b"}]}`, `two blocks "b"`},
		"a nameless order":   {head + `,"orders":[{}]}`, "or one without an id"},
		"an event twice":     {head + `,"events":[{"eventID":2,"type":"x"},{"eventID":2,"type":"y"}]}`, "event 2 after event 2"},
		"events in disorder": {head + `,"events":[{"eventID":2,"type":"x"},{"eventID":1,"type":"y"}]}`, "event 1 after event 2"},
		"text after it":      {head + `} {}`, "state is no JSON entry"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode[Record]([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	var schema *SchemaError
	if _, err := Decode[Record]([]byte(`{"schema":"sluice.state/v9"}`)); !errors.As(err, &schema) || schema.Found != "sluice.state/v9" {
		t.Errorf("error %v, want a SchemaError", err)
	}
}

// TestCloneIsIndependent: nothing that is done to a copy reaches the original.
func TestCloneIsIndependent(t *testing.T) {
	r := full(t)
	before := encoded(t, r)
	c := r.Clone()
	if !bytes.Equal(before, encoded(t, c)) {
		t.Fatal("the copy is another record")
	}
	spoil(reflect.ValueOf(&c).Elem())
	if !bytes.Equal(before, encoded(t, r)) {
		t.Error("spoiling the copy changed the original")
	}
}

// spoil overwrites everything that v reaches.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				spoil(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		v.Clear()
	default:
		if v.CanSet() {
			v.SetZero()
		}
	}
}

func TestDecodeRefusesOtherEntries(t *testing.T) {
	head := `{"schema":"sluice.state/v2","pipeline":"shop"`
	promotion := func(text string) error { _, err := Decode[Promotion]([]byte(head + text + "}")); return err }
	run := func(text string) error { _, err := Decode[Run]([]byte(head + text + "}")); return err }
	history := func(text string) error { _, err := Decode[History]([]byte(head + text + "}")); return err }
	index := func(text string) error { _, err := Decode[Index]([]byte(head + text + "}")); return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a promotion without an id": {promotion(``), "or no id"},
		"a member twice":            {promotion(`,"promotion":"p","members":["a","a"]`), `member "a" twice`},
		"waves that do not grow":    {promotion(`,"promotion":"p","members":["a","b"],"waves":{"sizes":[2,2]}`), "a wave of 2 after one of 2"},
		"waves of too many":         {promotion(`,"promotion":"p","members":["a","b"],"waves":{"sizes":[1,3]}`), "waves of 3 targets and 2 members"},
		"a wrong type":              {promotion(`,"promotion":7`), "state is no sluice.state/v2 promotion"},
		"a run without an id":       {run(``), "or no id"},
		"a history of nobody":       {history(``), "no target"},
		"a history in disorder":     {history(`,"target":"web","events":[{"eventID":2},{"eventID":1}]`), "event 1 after event 2"},
		"an index in disorder":      {index(`,"targets":["b","a"]`), `not sorted at "a"`},
		"a negative index":          {index(`,"generation":-1`), "generation -1"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, c.err, c.want)
		}
	}
}

func TestIndex(t *testing.T) {
	i := NewIndex("shop")
	f := newFleet(t)
	f.wantAll("new", []bool{i.Add("b", "a"), i.Add("a"), i.Has("a"), i.Has("c")}, []bool{true, false, true, false})
	i.Remove("a")
	f.wantAll("left", i.Targets, []string{"b"})
}

func TestRunHolds(t *testing.T) {
	r := fullRun()
	r.Ended = false
	f := newFleet(t)
	f.wantAll("holds", []bool{r.Holds(t0), r.Holds(r.Until)}, []bool{true, false})
	higher, other := r, r
	higher.Attempt++
	other.Name, other.Attempt = "repo/8/job", 9
	f.wantAll("breaks", []bool{higher.Breaks(r), r.Breaks(r), r.Breaks(higher), other.Breaks(r), Run{Attempt: 1}.Breaks(Run{})}, []bool{true, false, false, false, false})
}

// again decodes what an entry was encoded as, twice: it stays what it is.
func again[E Entry](t *testing.T, data []byte) (E, bool) {
	e, err := Decode[E](data)
	if err != nil {
		return e, false
	}
	first := encodedEntry(t, e)
	back, err := Decode[E](first)
	if err != nil {
		t.Fatalf("what was encoded does not decode: %v\n%s", err, first)
	}
	if second := encodedEntry(t, back); !bytes.Equal(first, second) {
		t.Fatalf("another entry each time:\n%s\n%s", first, second)
	}
	return e, true
}

// FuzzDecode: what decodes comes back as it is once it was encoded, and can be
// looked at and settled without a panic.
func FuzzDecode(f *testing.F) {
	s := newRig(&testing.T{})
	s.start(canary("10"), gated(JobVerify))
	for _, data := range [][]byte{encoded(s.t, s.r), encodedEntry(s.t, fullPromotion()), encodedEntry(s.t, fullRun()), encodedEntry(s.t, NewIndex("shop"))} {
		f.Add(data)
	}
	f.Add([]byte(`{"schema":"sluice.state/v2","pipeline":"p","target":"t","rollouts":[{"rollout":{"name":"a","state":"IN_PROGRESS","phases":[{"id":"stable","state":"PENDING"}]},"spec":{"wait":"1m"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		again[Run](t, data)
		again[Index](t, data)
		again[History](t, data)
		p, okP := again[Promotion](t, data)
		r, ok := again[Record](t, data)
		if okP && len(p.Members) > 0 {
			g := NewGroup(&p, map[string]*Record{p.Members[0]: &r})
			g.React(t0)
			g.Changed(p.Members[0])
			Next(&r, g, Setting{}, t0)
		}
		if !ok {
			return
		}
		c := r.Clone()
		Settle(&c, nil, Setting{}, t0)
		Next(&c, nil, Setting{}, t0)
		Seal(&c, nil, Setting{}, everyEvent, t0)
		if _, _, err := c.BackFrom(""); err == nil {
			c.Goals(nil)
		}
		c.ShareOf("p1")
	})
}
