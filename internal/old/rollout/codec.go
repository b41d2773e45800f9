package rollout

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Encode writes a record as it is stored. Fields that this version does not
// know are written back as they were read, except inside the driver contract's
// own types (targets, releases, calls, operations), which this package rewrites
// whole.
func Encode(r Record) ([]byte, error) {
	return json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
}

// SchemaError means that a record has a format this version cannot read.
type SchemaError struct{ Found string }

// Error says what to do about it.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("the state has schema %q and this version of sluice reads %s; use the version that wrote it, or a newer one", e.Found, Schema)
}

// Decode reads a record. Text that is no record, of a newer schema, or at odds
// with itself is an error; nothing is guessed.
func Decode(data []byte) (Record, error) {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Record{}, fmt.Errorf("state is no JSON record: %w", err)
	}
	if head.Schema != Schema {
		return Record{}, &SchemaError{Found: head.Schema}
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("state is no %s record: %w", Schema, err)
	}
	return r, r.check()
}

// check holds a decoded record against what Encode can have written.
func (r *Record) check() error {
	if r.Pipeline == "" || r.Target == "" {
		return fmt.Errorf("state names no pipeline or no target")
	}
	if r.Generation < 0 {
		return fmt.Errorf("state of %s has generation %d", r.Target, r.Generation)
	}
	names := make([]string, 0, len(r.Rollouts))
	for _, e := range r.Rollouts {
		if e.Rollout.Name == "" || slices.Contains(names, e.Rollout.Name) {
			return fmt.Errorf("state of %s has two rollouts named %q, or one without a name", r.Target, e.Rollout.Name)
		}
		names = append(names, e.Rollout.Name)
	}
	return r.checkHistory()
}

// checkHistory holds promotions and events against what Encode can have written.
func (r *Record) checkHistory() error {
	ids := make([]string, 0, len(r.Promotions))
	for _, p := range r.Promotions {
		if p.ID == "" || slices.Contains(ids, p.ID) {
			return fmt.Errorf("state of %s has two promotions %q, or one without an id", r.Target, p.ID)
		}
		ids = append(ids, p.ID)
	}
	for i := 1; i < len(r.Events); i++ {
		if r.Events[i].ID <= r.Events[i-1].ID {
			return fmt.Errorf("state of %s has event %d after event %d", r.Target, r.Events[i].ID, r.Events[i-1].ID)
		}
	}
	return nil
}

// Clone is a deep copy: what is done to it does not reach r.
func (r Record) Clone() Record {
	data, err := Encode(r)
	if err != nil {
		panic("rollout: a record that was built here cannot be encoded: " + err.Error())
	}
	var c Record
	if err := json.Unmarshal(data, &c); err != nil {
		panic("rollout: a record that was encoded here cannot be decoded: " + err.Error())
	}
	return c
}
