package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"sluice/internal/outside/outsidetest"
	"sluice/stages"
	"sluice/stages/driver"
)

// saying is text that stands in one place of what a method of a driver answers.
type saying struct {
	method string
	out    int // which of its results
	place  outsidetest.Place
}

func (s saying) String() string { return fmt.Sprintf("%s#%d.%s", s.method, s.out, s.place.Path) }

// ways are those on which the words may be told.
func (s saying) ways() []way {
	switch s.method {
	case "Lookup":
		return []way{isLost}
	case "Find":
		return []way{goesWell}
	case "Begin", "Poll", "Explain":
		return []way{goesWell, goesWrong}
	case "Make":
		return []way{goesWell, goesWrong, isLost}
	default:
		return []way{goesWell, goesWrong, isLost, isRefused, isForeign}
	}
}

// failing is a method that ends with an error, for which there is an explanation.
type failing struct {
	method string
	err    string // "" for the words
	driver.Explanation
}

// moon is a platform behind the driver contract, whose answers say what they are told
// to. What runs there is real: it is what was begun last.
type moon struct {
	says  saying
	fails failing
	way   way
	words string

	mu   sync.Mutex
	runs map[string]string // by target
	said bool              // the words were handed out
}

// way is how an effect goes where nothing fails.
type way string

// The ways that effects go: each has places of its own in what is told of it.
const (
	goesWell  way = "well"    // it runs for a while, and succeeds
	goesWrong way = "wrong"   // it runs for a while, and fails
	isLost    way = "lost"    // its answer is lost, and it is looked up
	isRefused way = "refused" // it is not sent
	isForeign way = "foreign" // somebody else was there
)

// platform is the moon as a platform of the program.
func (m *moon) platform() stages.Platform {
	return stages.Platform{
		Facts: driver.Facts{
			Approves: true, Finds: driver.Finds{What: "CRATER", About: "a crater", Example: "a"},
			Platform: "moon", Title: "The Moon", Kinds: []driver.Kind{driver.Deploy, driver.Rollback}, Makes: true, Works: "its crossings",
			Keys: []driver.Key{{Name: "crater", Type: driver.String, Required: true, Identity: true}},
		},
		Open: func(context.Context, driver.Env) (driver.Driver, error) { return m, nil },
	}
}

// answered is an answer of a method, with the words in their place.
func answered[T any](m *moon, method string, out int, honest T) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.says.method == method && m.says.out == out {
		m.says.place.Put(&honest, m.words)
		m.said = true
	}
	return honest
}

// errMoon is what the moon's own errors are.
type errMoon struct{ driver.Explanation }

func (e errMoon) Error() string { return e.Message }

// trouble is the error of a method, nil where it has none.
func (m *moon) trouble(method string) error {
	if m.fails.method != method {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = true
	return errors.New(cmp.Or(m.fails.err, m.words))
}

func (m *moon) Live(_ context.Context, targets []driver.Target) ([]driver.Live, []error) {
	live, errs := make([]driver.Live, len(targets)), make([]error, len(targets))
	for i, t := range targets {
		if errs[i] = m.trouble("Live"); errs[i] == nil {
			live[i] = driver.Whole(m.release(t.Name))
		}
	}
	return answered(m, "Live", 0, live), errs
}

func (m *moon) release(target string) driver.Release {
	m.mu.Lock()
	defer m.mu.Unlock()
	return driver.Release{ID: m.runs[target]}
}

func (m *moon) Resolve(_ context.Context, _ driver.Target, id string) (driver.Release, error) {
	return answered(m, "Resolve", 0, driver.Release{ID: id}), m.trouble("Resolve")
}

func (m *moon) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return answered(m, "Make", 0, driver.Release{ID: "r-made"}), m.trouble("Make")
}

func (m *moon) Prepare(_ context.Context, c driver.Call) (driver.Prepared, error) {
	t := c.Changes[0].Target
	stands := m.release(t.Name)
	p := driver.Prepared{
		Call: c, Before: map[string]json.RawMessage{t.Name: quoted(stands.ID)}, After: map[string]json.RawMessage{t.Name: quoted(c.Changes[0].Release.ID)},
		Runs: map[string]driver.Release{t.Name: stands}, Requests: []string{"PUT /craters"}, Commands: []string{"moon put"},
	}
	switch m.way {
	case isRefused:
		p.Findings = []driver.Finding{{Target: t.Name, Severity: driver.Refuse, Message: "it is night", Remedy: "wait"}}
	case isForeign:
		p.Findings = []driver.Finding{{Target: t.Name, Severity: driver.Foreign, Message: "somebody is there", Remedy: "ask"}}
	default:
		p.Findings = []driver.Finding{{Target: t.Name, Severity: driver.Warn, Message: "it is dusk", Remedy: "hurry"}}
	}
	return answered(m, "Prepare", 0, p), m.trouble("Prepare")
}

func quoted(text string) json.RawMessage {
	data, err := json.Marshal(map[string]string{"runs": text})
	if err != nil {
		panic(err) // a string is always encoded
	}
	return data
}

func (m *moon) Begin(_ context.Context, c driver.Call) (driver.Operation, error) {
	if err := m.trouble("Begin"); err != nil {
		return driver.Operation{}, err
	}
	op := driver.Operation{
		ID: "crossing-1", Kind: "put", Status: driver.Running, User: "them", Link: "https://moon.example/1", Warnings: []driver.Problem{{Code: "DUST", Location: "here", Message: "dusty"}},
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {Outcome: driver.Open}},
	}
	if m.way == isLost {
		return driver.Operation{}, errMoon{driver.Explanation{Code: driver.Lost, Message: "the line went dead", RequestID: "q-1", Remedy: "look"}}
	}
	return answered(m, "Begin", 0, op), nil
}

// over is an operation that came to its end.
func (m *moon) over(c driver.Call) driver.Operation {
	change := c.Changes[0]
	op := driver.Operation{ID: "crossing-1", Kind: "put", Status: driver.Done}
	r := driver.Result{
		Outcome: driver.Succeeded, Release: change.Release, After: quoted(change.Release.ID), Log: "it went\n",
		Events: []driver.Event{{ID: "1", Type: "landed", Message: "it landed", Info: `{"at":"noon"}`}}, Data: quoted("kept"),
	}
	if m.way == goesWrong {
		r = driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Code: "DARK", Location: "there", Message: "it fell"}}, Log: "it fell\n"}
	} else {
		m.mu.Lock()
		m.runs[change.Target.Name] = change.Release.ID
		m.mu.Unlock()
	}
	op.Results = map[string]driver.Result{change.Target.Name: r}
	return op
}

func (m *moon) Lookup(_ context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	return answered(m, "Lookup", 0, driver.Found), answered(m, "Lookup", 1, m.over(c)), m.trouble("Lookup")
}

func (m *moon) Poll(_ context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if err := m.trouble("Poll"); err != nil {
		return driver.Operation{}, 0, err
	}
	return answered(m, "Poll", 0, m.over(op.Call)), 0, nil
}

func (m *moon) Operation(_ context.Context, t driver.Target, name string) (driver.Operation, time.Duration, error) {
	op := driver.Operation{ID: name, Status: driver.Done, Results: map[string]driver.Result{t.Name: {Outcome: driver.Succeeded}}}
	if m.way == goesWrong {
		op.Results[t.Name] = driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Code: "DARK", Message: "it fell"}}}
	}
	return answered(m, "Operation", 0, op), 0, m.trouble("Operation")
}

// Find implements [driver.Finder].
func (m *moon) Find(context.Context, string) (driver.Existing, error) {
	place := func(name, stage string) driver.Place {
		return driver.Place{Name: name, Stage: stage, Config: json.RawMessage(`{"crater":"` + name + `"}`), Note: "it is dark there"}
	}
	found := driver.Existing{Name: "shop", One: true, Places: []driver.Place{place("shop-staging", "staging"), place("shop", "production")}}
	found.Places = append(found.Places, driver.Place{Name: "left", Note: "nobody can land there"})
	return answered(m, "Find", 0, found), m.trouble("Find")
}

// Approval implements [driver.Approver].
func (m *moon) Approval(context.Context, driver.Target) (bool, error) {
	return true, m.trouble("Approval")
}

func (m *moon) Explain(err error) driver.Explanation {
	x := m.fails.Explanation
	if own, ok := errors.AsType[errMoon](err); ok {
		x = own.Explanation
	}
	return answered(m, "Explain", 0, x)
}

// contracts are the interfaces by which a driver says something.
func contracts() []reflect.Type {
	return []reflect.Type{reflect.TypeFor[driver.Driver](), reflect.TypeFor[driver.Finder](), reflect.TypeFor[driver.Approver]()}
}

// sayings are the places in which a driver says something: the strings of all results of
// all methods of the contracts. Its errors have a place of their own.
func sayings() (places []saying, failures []failing) {
	var methods []reflect.Method
	for _, contract := range contracts() {
		for i := range contract.NumMethod() {
			methods = append(methods, contract.Method(i))
		}
	}
	for _, method := range methods {
		for out := range method.Type.NumOut() {
			t := method.Type.Out(out)
			if t == reflect.TypeFor[error]() || t == reflect.TypeFor[[]error]() {
				failures = append(failures, failing{method: method.Name})
				continue
			}
			for _, place := range outsidetest.Places(t) {
				places = append(places, saying{method: method.Name, out: out, place: place})
			}
		}
	}
	return places, failures
}
