package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/canary"
	"sluice/stages/driver"
)

// protocol is the version that is spoken.
const protocol = "sluice.exec/v1"

// The questions.
const (
	describe = "describe" // what the program can do
	live     = "live"     // what runs on the target
	resolve  = "resolve"  // what a release is that somebody named
	check    = "check"    // what speaks against an effect
	begin    = "begin"    // the effect
	poll     = "poll"     // how far an effect is
	trial    = "trial"    // what conformance cases may be run on
)

// request is what the program reads.
type request struct {
	Protocol  string  `json:"protocol"`
	Operation string  `json:"operation"`
	Target    *target `json:"target,omitempty"`
	Name      string  `json:"name,omitempty"`      // resolve: what somebody called the release
	Effect    *effect `json:"effect,omitempty"`    // check, begin and poll
	Directory string  `json:"directory,omitempty"` // trial: empty, and there as long as the cases run
}

// target is a place, as the program is told of it.
type target struct {
	Name     string `json:"name"`
	Stage    string `json:"stage"`
	Resource string `json:"resource"`
}

// effect is what should become true of the target.
type effect struct {
	Key         string          `json:"key"`
	Kind        driver.Kind     `json:"kind"`
	Release     *release        `json:"release"`            // that gets the traffic, or the share; with disable: that keeps it
	Percent     string          `json:"percent,omitempty"`  // weight
	Source      *target         `json:"source,omitempty"`   // where the release runs now
	Before      json.RawMessage `json:"before,omitempty"`   // the target's state as it was read
	Baseline    json.RawMessage `json:"baseline,omitempty"` // rollback: its state before the rollout
	Description string          `json:"description,omitempty"`
	WorkID      string          `json:"workId,omitempty"` // poll: what begin, or the poll before, gave
}

// release is a release as the program has it.
type release struct {
	ID         string    `json:"id"`
	Name       string    `json:"name,omitempty"`
	CreateTime time.Time `json:"createTime,omitzero"`
	Comment    string    `json:"comment,omitempty"`
}

func (r *release) released() driver.Release {
	if r == nil {
		return driver.Release{}
	}
	return driver.Release{ID: r.ID, Name: r.Name, CreateTime: r.CreateTime, Comment: r.Comment}
}

func wireOf(r driver.Release) *release {
	return &release{ID: r.ID, Name: r.Name, CreateTime: r.CreateTime, Comment: r.Comment}
}

// answer is what the program writes. Members that it does not know are left alone.
type answer struct {
	Protocol string   `json:"protocol"`
	Error    *problem `json:"error"` // nothing else counts then

	// describe
	Kinds         []driver.Kind `json:"kinds"`
	WholePercents bool          `json:"wholePercents"`
	Settle        *string       `json:"settle"`
	Checks        bool          `json:"checks"`

	// live; the release also answers resolve
	Release json.RawMessage `json:"release"` // null where nothing runs
	Canary  *share          `json:"canary"`
	Pending *release        `json:"pending"`
	Since   time.Time       `json:"since"`
	State   json.RawMessage `json:"state"`

	// check
	Findings []finding `json:"findings"`
	Commands []string  `json:"commands"`

	// begin and poll
	Status status           `json:"status"`
	Errors []driver.Problem `json:"errors"`
	WorkID string           `json:"workId"`
	Wait   *string          `json:"wait"`
	Log    string           `json:"log"`

	Trial *Places `json:"trial"`
}

// Places are what conformance cases are run on: resources of the program.
type Places struct {
	Source  string `json:"source"`  // runs a release that target does not run
	Target  string `json:"target"`  // runs an earlier release; it is changed, and put back after each case
	Unknown string `json:"unknown"` // a resource that is not there
	Empty   string `json:"empty"`   // one where nothing runs; "" for none
	Other   string `json:"other"`   // a release that neither runs, which somebody else may put on target; "" for none
}

// share is a canary and its part of the traffic.
type share struct {
	Release *release       `json:"release"`
	Percent canary.Percent `json:"percent"`
}

type finding struct {
	Severity driver.Severity `json:"severity"`
	Message  string          `json:"message"`
	Remedy   string          `json:"remedy"`
}

// status is how far an effect is, in the program's words.
type status string

const (
	running   status = "running"
	succeeded status = "succeeded"
	failed    status = "failed"
)

// read reads what the program wrote for a question. What is missing of it makes it no
// answer.
func read(operation string, text []byte) (answer, error) {
	var a answer
	if len(strings.TrimSpace(string(text))) == 0 {
		return a, errors.New("it wrote nothing to its standard output")
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("its standard output is no answer in JSON: %w: it begins with %q", err, beginning(text))
	}
	if a.Protocol != protocol {
		return a, fmt.Errorf("its answer has the protocol %q, and this is %s", a.Protocol, protocol)
	}
	if a.Error != nil {
		return a, a.Error.check()
	}
	return a, a.complete(operation)
}

// beginning is as much of a text as a message quotes.
func beginning(text []byte) string {
	const most = 80
	if len(text) <= most {
		return strings.ToValidUTF8(string(text), "")
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "…"
}

// complete says what an answer to a question lacks.
func (a answer) complete(operation string) error {
	switch operation {
	case describe:
		return a.describes()
	case live:
		return a.lives()
	case resolve:
		if r, err := a.release(); err != nil || r == nil {
			return errors.Join(errors.New("its answer to resolve has no release with an id"), err)
		}
	case check:
		return a.finds()
	case begin, poll:
		return a.tells()
	case trial:
		if a.Trial == nil {
			return errors.New("its answer to trial has no trial")
		}
	}
	return nil
}

func (a answer) describes() error {
	if !slices.Contains(a.Kinds, driver.Deploy) || !slices.Contains(a.Kinds, driver.Rollback) {
		return fmt.Errorf("its answer to describe has the kinds %v: deploy and rollback must be among them", a.Kinds)
	}
	splits := 0
	for _, k := range []driver.Kind{driver.Weight, driver.Stable, driver.Disable} {
		if slices.Contains(a.Kinds, k) {
			splits++
		}
	}
	if splits != 0 && splits != 3 {
		return fmt.Errorf("its answer to describe has the kinds %v: a program that splits traffic has all of weight, stable and disable", a.Kinds)
	}
	_, err := a.settles()
	return err
}

func (a answer) lives() error {
	r, err := a.release()
	switch {
	case err != nil:
		return err
	case len(a.Release) == 0:
		return errors.New("its answer to live has no release: null says that nothing runs there")
	case len(a.State) == 0 || string(a.State) == "null":
		return errors.New("its answer to live has no state, by which it is told whether somebody else changed the target")
	case a.Pending != nil && a.Pending.ID == "":
		return errors.New("its answer to live has a pending release without an id")
	case a.Canary == nil:
		return nil
	case a.Canary.Release == nil || a.Canary.Release.ID == "" || r == nil:
		return errors.New("its answer to live has a canary without a release beside one that has the rest of the traffic")
	}
	return nil
}

func (a answer) finds() error {
	for _, f := range a.Findings {
		if !slices.Contains([]driver.Severity{driver.Refuse, driver.Warn, driver.Note}, f.Severity) || f.Message == "" {
			return fmt.Errorf("its answer to check has a finding %+v: a severity is refuse, warn or note, and says why", f)
		}
	}
	if a.Findings == nil {
		return errors.New("its answer to check has no findings: an empty list says that nothing speaks against it")
	}
	return nil
}

func (a answer) tells() error {
	if !slices.Contains([]status{running, succeeded, failed}, a.Status) {
		return fmt.Errorf("its answer has the status %q: it is running, succeeded or failed", a.Status)
	}
	if a.Status == failed && (len(a.Errors) == 0 || a.Errors[0].Message == "") {
		return errors.New("its answer has the status failed, and no errors that say why")
	}
	if a.Status == running && a.WorkID == "" {
		return errors.New("its answer has the status running and no workId, which says what is running")
	}
	_, err := duration("wait", a.Wait, 0)
	return err
}

// release is the answer's release, nil where it is null or left out.
func (a answer) release() (*release, error) {
	var r *release
	if len(a.Release) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(a.Release, &r); err != nil {
		return nil, fmt.Errorf("its answer's release is none: %w", err)
	}
	if r != nil && r.ID == "" {
		return nil, errors.New("its answer's release has no id")
	}
	return r, nil
}

// settles is how late an effect may become visible.
func (a answer) settles() (time.Duration, error) { return duration("settle", a.Settle, settle) }

// mostDuration is the longest that a program may have us wait.
const mostDuration = time.Hour

func duration(name string, text *string, unless time.Duration) (time.Duration, error) {
	if text == nil {
		return unless, nil
	}
	d, err := time.ParseDuration(*text)
	if err != nil || d < 0 || d > mostDuration {
		return unless, fmt.Errorf("its answer's %s is %q: it is a duration up to an hour, such as 10s", name, *text)
	}
	return d, nil
}
