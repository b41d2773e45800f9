package rollout

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// Entry is what the state is made of.
type Entry interface {
	Record | Promotion | Run | History | Index
}

// Encode writes an entry as it is stored, in one line; the same entry is always the
// same bytes. Fields that this version does not know are written back as they were
// read, except inside the driver contract's own types (targets, releases, calls,
// operations), which this package rewrites whole.
func Encode[E Entry](e E) ([]byte, error) {
	return json.Marshal(e, json.Deterministic(true))
}

// SchemaError means that an entry has a format this version cannot read.
type SchemaError struct{ Found string }

// Error says what to do about it.
func (e *SchemaError) Error() string {
	if e.Unreleased() {
		return "the state has schema sluice.state/v1, the format of unreleased versions of sluice, and nothing that reads it was ever released: start a new state with `sluice state import`"
	}
	return fmt.Sprintf("the state has schema %q and this version of sluice reads %s; use the version that wrote it, or a newer one", e.Found, Schema)
}

// Unreleased reports whether the format is one that no released version wrote.
func (e *SchemaError) Unreleased() bool { return e.Found == "sluice.state/v1" }

// Decode reads an entry. Text that is none, of another schema ([*SchemaError]),
// or at odds with itself is an error; nothing is guessed.
func Decode[E Entry](data []byte) (E, error) {
	var none, e E
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return none, fmt.Errorf("state is no JSON entry: %w", err)
	}
	if head.Schema != Schema {
		return none, &SchemaError{Found: head.Schema}
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return none, fmt.Errorf("state is no %s %s: %w", Schema, kindOf(e), err)
	}
	if err := any(&e).(interface{ check() error }).check(); err != nil {
		return none, err
	}
	return e, nil
}

// kindOf is what an entry is called.
func kindOf(e any) string {
	name := fmt.Sprintf("%T", e)
	return strings.ToLower(name[strings.LastIndex(name, ".")+1:])
}

// check holds a decoded record against what Encode can have written.
func (r *Record) check() error {
	switch {
	case r.Pipeline == "" || r.Target == "":
		return fmt.Errorf("state names no pipeline or no target")
	case r.Generation < 0:
		return fmt.Errorf("state of %s has generation %d", r.Target, r.Generation)
	}
	if err := checkExecutions(r.Target, r.Rollouts); err != nil {
		return err
	}
	if id, twice := repeated(r.Blocks, func(b Block) string { return b.ID }); twice {
		return fmt.Errorf("state of %s has two blocks %q, or one without an id", r.Target, id)
	}
	if id, twice := repeated(r.Orders, func(o Order) string { return o.ID }); twice {
		return fmt.Errorf("state of %s has two orders %q, or one without an id", r.Target, id)
	}
	return checkEvents(r.Target, r.Events)
}

func checkExecutions(target string, list []Execution) error {
	if name, twice := repeated(list, func(e Execution) string { return e.Rollout.Name }); twice {
		return fmt.Errorf("state of %s has two rollouts named %q, or one without a name", target, name)
	}
	return nil
}

func checkEvents(target string, events []Event) error {
	for i := 1; i < len(events); i++ {
		if events[i].ID <= events[i-1].ID {
			return fmt.Errorf("state of %s has event %d after event %d", target, events[i].ID, events[i-1].ID)
		}
	}
	return nil
}

// repeated finds a key that two of the list have, or one that is empty.
func repeated[T any](list []T, key func(T) string) (string, bool) {
	seen := make(map[string]bool, len(list))
	for _, v := range list {
		k := key(v)
		if k == "" || seen[k] {
			return k, true
		}
		seen[k] = true
	}
	return "", false
}

func (p *Promotion) check() error {
	if p.Pipeline == "" || p.ID == "" || p.Generation < 0 {
		return fmt.Errorf("state of promotion %q names no pipeline or no id, or has generation %d", p.ID, p.Generation)
	}
	if name, twice := repeated(p.Members, func(m string) string { return m }); twice {
		return fmt.Errorf("promotion %s has member %q twice, or one without a name", p.ID, name)
	}
	return p.checkWaves()
}

// checkWaves holds the waves against the members: what they count must be there.
func (p *Promotion) checkWaves() error {
	if p.Waves == nil {
		return nil
	}
	last := 0
	for _, size := range p.Waves.Sizes {
		if size <= last {
			return fmt.Errorf("promotion %s has a wave of %d after one of %d", p.ID, size, last)
		}
		last = size
	}
	if last != len(p.Members) {
		return fmt.Errorf("promotion %s has waves of %d targets and %d members", p.ID, last, len(p.Members))
	}
	return nil
}

func (r *Run) check() error {
	if r.Pipeline == "" || r.ID == "" || r.Generation < 0 {
		return fmt.Errorf("state of run %q names no pipeline or no id, or has generation %d", r.ID, r.Generation)
	}
	return nil
}

func (h *History) check() error {
	if h.Pipeline == "" || h.Target == "" || h.Generation < 0 {
		return fmt.Errorf("history of %q names no pipeline or no target, or has generation %d", h.Target, h.Generation)
	}
	if err := checkExecutions(h.Target, h.Rollouts); err != nil {
		return err
	}
	return checkEvents(h.Target, h.Events)
}

func (i *Index) check() error {
	if i.Pipeline == "" || i.Generation < 0 {
		return fmt.Errorf("the index names no pipeline, or has generation %d", i.Generation)
	}
	for n := range i.Targets {
		if i.Targets[n] == "" || n > 0 && i.Targets[n] <= i.Targets[n-1] {
			return fmt.Errorf("the index of %s is not sorted at %q", i.Pipeline, i.Targets[n])
		}
	}
	return nil
}

// Clone is a deep copy: what is done to it does not reach r.
func (r Record) Clone() Record { return clone(r) }

// Clone is a deep copy: what is done to it does not reach p.
func (p Promotion) Clone() Promotion { return clone(p) }

func clone[E Entry](e E) E {
	data, err := Encode(e)
	if err != nil {
		panic("rollout: an entry that was built here cannot be encoded: " + err.Error())
	}
	var c E
	if err := json.Unmarshal(data, &c); err != nil {
		panic("rollout: an entry that was encoded here cannot be decoded: " + err.Error())
	}
	return c
}
