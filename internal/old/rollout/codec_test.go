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
	s := newStand(t)
	s.script["canary-10/verify"] = []string{"fail"}
	s.script["stable/deploy"], s.script["poll deploy"] = []string{"run"}, []string{"run"}
	e := s.start(canary("10"), waits(time.Hour), gated(JobPredeploy, JobVerify, JobAnalysis, JobPostdeploy), approved(ApprovalSpec{Quorum: 1, Approvers: []string{"bob"}}), func(p *Spec) {
		p.Members, p.Variables, p.Poll = []string{"web", "api"}, map[string]string{"a": "b"}, Poll{Initial: Duration(time.Second), Factor: 2}
		p.Gates.Verify[0].HTTP = &HTTPGate{URL: "https://example.com"}
	})
	_, err := e.Approve(&s.r, Voter{Actor: "bob"}, s.now)
	s.must(err)
	s.run()
	s.promoted(e)
	s.start(release("r3"), promotion("p2"))
	s.r.Lock = &Lock{Holder: "repo/1/job", RunURL: "https://runs/1", Since: t0, Until: t0.Add(time.Minute)}
	s.r.Abandon("r9", "carol", "", s.now)
	e.Asked = []Request{{Kind: driver.Rollback, Phase: "stable"}}
	e.Rollout.Phases = append(e.Rollout.Phases, Phase{ID: "x", ChildRolloutJobs: &ChildRolloutJobs{
		CreateRolloutJobs: []Job{{ID: "a", CreateChildRolloutJob: jsontext.Value("{}")}}, AdvanceRolloutJobs: []Job{{ID: "b"}},
	}})
	s.run()
	Seal(&s.r, s.now, 5)
	return s.r
}

// foreign reports whether a field holds an object of the driver contract's own
// types, which keep nothing they do not know, or values by key.
func foreign(key string) bool {
	return slices.Contains([]string{
		"call", "operation", "target", "source", "release", "options", "before", "after", "found", "baseline",
		"info", "variables", "attempts", "runs", "times", "headers",
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

// TestUnknownFieldsSurvive at every level of the record.
func TestUnknownFieldsSurvive(t *testing.T) {
	var tree any
	if err := json.Unmarshal(encoded(t, full(t)), &tree); err != nil {
		t.Fatal(err)
	}
	want := strew(tree)
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	Settle(&r, t0.Add(time.Second))
	if got := strings.Count(string(encoded(t, r.Clone())), "fromTheFuture"); got != want || want < 60 {
		t.Errorf("%d of %d unknown fields are left", got, want)
	}
}

func TestEncodeAndDecode(t *testing.T) {
	r := full(t)
	data := encoded(t, r)
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if again := encoded(t, back); !bytes.Equal(again, data) {
		t.Errorf("it comes back as another:\n%s\n%s", data, again)
	}
	if strings.Contains(string(data), "Unknown") || strings.Contains(string(data), ": null") {
		t.Errorf("it has fields that nobody set:\n%s", data)
	}
}

func TestDecodeRefuses(t *testing.T) {
	head := `{"schema":"sluice.state/v1","pipeline":"shop","target":"web","generation":1`
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {``, "state is no JSON record"},
		"no JSON":              {`generation: 1`, "state is no JSON record"},
		"another document":     {`[]`, "state is no JSON record"},
		"no schema":            {`{}`, `schema ""`},
		"a newer schema":       {`{"schema":"sluice.state/v2"}`, `has schema "sluice.state/v2" and this version of sluice reads sluice.state/v1; use the version that wrote it, or a newer one`},
		"cut short":            {head, "state is no JSON record"},
		"a field twice":        {head + `,"generation":2}`, "duplicate"},
		"a wrong type":         {head + `,"events":7}`, "state is no sluice.state/v1 record"},
		"a wrong time":         {head + `,"events":[{"eventID":1,"type":"x","timestamp":"noon"}]}`, "state is no sluice.state/v1 record"},
		"no target":            {`{"schema":"sluice.state/v1","pipeline":"shop"}`, "names no pipeline or no target"},
		"no pipeline":          {`{"schema":"sluice.state/v1","target":"web"}`, "names no pipeline or no target"},
		"a negative one":       {`{"schema":"sluice.state/v1","pipeline":"shop","target":"web","generation":-1}`, "state of web has generation -1"},
		"a rollout twice":      {head + `,"rollouts":[{"rollout":{"name":"a"}},{"rollout":{"name":"a"}}]}`, `two rollouts named "a"`},
		"a nameless rollout":   {head + `,"rollouts":[{"rollout":{}}]}`, "or one without a name"},
		"a promotion twice":    {head + `,"promotions":[{"promotion":"p"},{"promotion":"p"}]}`, `two promotions "p"`},
		"a nameless promotion": {head + `,"promotions":[{}]}`, "or one without an id"},
		"an event twice":       {head + `,"events":[{"eventID":2,"type":"x"},{"eventID":2,"type":"y"}]}`, "event 2 after event 2"},
		"events in disorder":   {head + `,"events":[{"eventID":2,"type":"x"},{"eventID":1,"type":"y"}]}`, "event 1 after event 2"},
		"text after it":        {head + `} {}`, "state is no JSON record"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	var schema *SchemaError
	if _, err := Decode([]byte(`{"schema":"sluice.state/v9"}`)); !errors.As(err, &schema) || schema.Found != "sluice.state/v9" {
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

// FuzzDecode: what decodes comes back as it is once it was encoded, and can be
// looked at and settled without a panic.
func FuzzDecode(f *testing.F) {
	s := newStand(&testing.T{})
	s.start(canary("10"), gated(JobVerify))
	data, err := Encode(s.r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"schema":"sluice.state/v1","pipeline":"p","target":"t","rollouts":[{"rollout":{"name":"a","state":"IN_PROGRESS","phases":[{"id":"stable","state":"PENDING"}]},"spec":{"wait":"1m"}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(data)
		if err != nil {
			return
		}
		first := encoded(t, r)
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("what was encoded does not decode: %v\n%s", err, first)
		}
		if second := encoded(t, again); !bytes.Equal(first, second) {
			t.Fatalf("another record each time:\n%s\n%s", first, second)
		}
		c := r.Clone()
		Settle(&c, t0)
		Next(&c, t0, View{})
		Seal(&c, t0, 1)
		for i := range c.Rollouts {
			OutcomeOf(&c, &c.Rollouts[i])
		}
	})
}
