// Package driver is the contract between Sluice and a deployment platform.
//
// A platform states what it can do as [Facts] and implements [Driver]. Every
// effect, whatever it is, follows one protocol:
//
//	Prepare   reads, checks and freezes the call; changes nothing
//	(the engine saves the call: the intent)
//	Begin     sends the effect, at most once
//	Poll      follows the operation until every target has a result
//	Lookup    after a lost answer: finds out what Begin did
//
// Drivers are safe for concurrent use, keep no state between calls, return the
// platform's own error unwrapped and explain it through [Driver.Explain]. They
// retry nothing: reads are asked again by internal/platform, and effects by who
// carries a plan out, only after Retryable and prepared anew.
//
// The package imports the standard library alone and nothing of ours.
package driver

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Kind names what an effect does. A platform lists the kinds it supports in
// [Facts.Kinds]; the engine never asks for another one.
type Kind string

// The kinds of effects.
const (
	Deploy    Kind = "deploy"    // make Change.Release what runs on the target, for all of its traffic
	Weight    Kind = "weight"    // give Change.Release Change.Percent of the target's traffic
	Stable    Kind = "stable"    // make the release that has a share of the traffic what runs for all of it
	Disable   Kind = "disable"   // remove what is left of the canary after Stable
	Rollback  Kind = "rollback"  // make the target as Change.Baseline says, with no canary traffic
	Approve   Kind = "approve"   // approve the platform's own rollout (Remote)
	Reject    Kind = "reject"    // reject the platform's own rollout (Remote)
	Advance   Kind = "advance"   // start Change.Phase of the platform's own rollout (Remote)
	RetryJob  Kind = "retryJob"  // run Change.Job of Change.Phase again (Remote)
	IgnoreJob Kind = "ignoreJob" // let the platform's rollout go on past Change.Job of Change.Phase (Remote)
	Cancel    Kind = "cancel"    // cancel the platform's own rollout (Remote)
	Host      Kind = "host"      // have Change.Release run beside the target, for testers alone
	Route     Kind = "route"     // lead the requests that carry Change.Header to what Host made
	Unroute   Kind = "unroute"   // take away what Route made, whoever made it
	Unhost    Kind = "unhost"    // take away what Host made
	Terminate Kind = "terminate" // stop what the platform is at for Change.Job of Change.Phase, and only that
)

// Facts say, before anything runs, what a platform can do.
type Facts struct {
	Platform string        // the key that names it in the pipeline file
	Title    string        // its name for people, with its vendor
	Keys     []Key         // its keys in the pipeline file
	Kinds    []Kind        // what it can do; anything else is Unsupported
	Batch    int           // most changes in one call; 0 means 1
	Remote   bool          // the platform owns phases, approval and jobs
	Settle   time.Duration // an effect may become visible this late: Absent is never said sooner
	Backoff  Backoff       // how its operations are polled unless the target's poll says otherwise
	Secrets  []string      // environment variables that hold its credentials: masked before first use
	Identity Identity      // how the file may name who asks it
	Needs    []Permission  // what its API is asked for, as access is given there
	Settings Settings      // what [Change.Variables] may hold
	Headers  Headers       // what [Change.Header] may hold, where Kinds has Route
	Split    Split         // how traffic is split, where Kinds has Weight
	Ahead    bool          // Live of many targets reads what Prepare needs of each, in fewer requests: [Live.Stands]
	Makes    bool          // releases can be made of what stands there: [Driver.Make]
	Digests  bool          // releases name the artifact that they are: [Release.Digest]
	Approves bool          // the platform may ask for an approval of its own: the driver is an [Approver]
	Works    string        // what [Driver.Operation] follows, and how people name it; "" where it is Unsupported
	Console  string        // where people see a target: an address with its keys in braces, "https://…/{app}"; "" for none
	Finds    Finds         // how what exists is named, where the driver is a [Finder]
	Login    Login         // how a job of GitHub Actions gets its credentials
	Notice   string        // said once per run as a warning where a target uses the platform; "" for none
}

// Split says how a platform divides a target's traffic between two releases.
type Split struct {
	Whole     bool // whole percents alone
	Variables bool // the canary may see variables of its own: [Change.Variables]
	Cache     bool // the canary may share the target's cache: [Change.UseStageCache]
	Leaves    bool // Stable leaves settings of the canary behind, which Disable removes
}

// Supports reports whether the platform can do k.
func (f Facts) Supports(k Kind) bool {
	for _, have := range f.Kinds {
		if have == k {
			return true
		}
	}
	return false
}

// BatchSize is the most changes one call may carry, at least 1.
func (f Facts) BatchSize() int { return max(f.Batch, 1) }

// KeyType is the YAML type of a platform's key.
type KeyType string

// The types a key may have.
const (
	String     KeyType = "string"
	Bool       KeyType = "boolean"
	StringList KeyType = "list of strings"
	Command    KeyType = "command" // a program and its arguments: a list of strings, of which some may be equal
)

// Key is one key of a platform's mapping in the pipeline file.
type Key struct {
	Name     string
	Type     KeyType
	Required bool
	Identity bool   // the identity keys together name the resource; two targets may not share them. A text that may be left out could be anything then
	Reach    bool   // targets that agree in all reach keys know the same releases; none: each knows its own
	Bound    bool   // a release does not leave it: a target and its source that both name the key agree in it
	Local    bool   // it means something on the machine alone that runs this: a rehearsal leaves it out
	Token    bool   // it is shown the token of a job of GitHub Actions, unless a Local key stands beside it
	Variable bool   // its value names an environment variable that holds a credential
	Needs    string // the name of another key without which this one, set to true, means nothing; "" for none
	Pattern  string // a regular expression (RE2) that the whole of every value matches; "" for any
	Hint     string // says in words what Pattern wants, with an example
	Doc      string // one sentence for the documentation and the schema
}

// Settings are the vendor's rules for names and values, as regular expressions
// (RE2) that the whole of each matches; "" for any. The hints say in words what
// they want.
type Settings struct {
	Name, NameHint   string
	Value, ValueHint string
}

// Headers are the vendor's rules for what testers send, as regular expressions (RE2)
// that the whole of each matches; "" for any. The hints say in words what they want.
type Headers struct {
	Domain, DomainHint string
	Name, NameHint     string
	Value, ValueHint   string
	Reserved           string // names, in small letters, that requests cannot be led by
}

// Header is what a request carries to be led to a release that has no traffic yet: the
// domain that it is sent to, and a header. * at the beginning or the end of Value, or
// both, stands for anything.
type Header struct {
	Domain string `json:"domain"`
	Name   string `json:"name"`
	Value  string `json:"value"`
}

// Backoff is how often an operation is polled: after Initial, then each wait
// Factor times the one before it, never more than Max. The zero value of a
// field means the platform's default, and of a platform's field the engine's.
type Backoff struct {
	Initial time.Duration `json:"initial,omitzero"`
	Max     time.Duration `json:"max,omitzero"`
	Factor  float64       `json:"factor,omitzero"`
	Jitter  float64       `json:"jitter,omitzero"` // how far a wait may be off, as a share of it; 0 polls at exact times
}

// Target is one place on a platform, as the pipeline file declares it.
type Target struct {
	Name     string          `json:"name"`
	Stage    string          `json:"stage"`
	Platform string          `json:"platform"`
	Config   json.RawMessage `json:"config"` // a JSON object: the platform's keys as declared
}

// What a person may say in the place of a release.
const (
	Latest = "latest" // the newest one that may be promoted: [Driver.Resolve]
	New    = "new"    // one that is made of what the platform holds now: [Driver.Make]
)

// Release is the immutable thing that travels.
type Release struct {
	ID         string    `json:"id"`                  // what the platform calls it; equal ids are the same thing on every stage
	Name       string    `json:"name,omitempty"`      // what people call it; "" where the id is all there is
	Platform   string    `json:"platform,omitempty"`  // the platform's record of it on this target (a Heroku release id); "" where there is none
	CreateTime time.Time `json:"createTime,omitzero"` // by the platform's clock; zero where the answer did not carry it
	Comment    string    `json:"comment,omitempty"`   // the platform's description of it: untrusted text
	Digest     string    `json:"digest,omitempty"`    // "sha256:…" of the artifact that it is, as a registry has it; "" where the platform does not tell
	Origin     string    `json:"origin,omitempty"`    // its id where it came from, where it has another one there; "" where it is the same
}

// Change is what should become true of one target.
type Change struct {
	Target        Target            `json:"target"`
	Source        *Target           `json:"source,omitempty"` // where the release runs now; nil for a pipeline's first stage
	Release       Release           `json:"release"`
	Percent       string            `json:"percent,omitempty"`       // Weight: decimal, "10.5"
	Variables     map[string]string `json:"variables,omitempty"`     // Weight and Host: what the canary sees differently
	Header        *Header           `json:"header,omitempty"`        // what testers send, in every effect of a rollout that leads them; nil where none does
	UseStageCache bool              `json:"useStageCache,omitempty"` // Weight: the canary shares the target's cache
	Phase         string            `json:"phase,omitempty"`
	Job           string            `json:"job,omitempty"`
	Baseline      json.RawMessage   `json:"baseline,omitempty"` // Rollback: what stood before the rollout's first effect (Prepared.Before then)
	Expected      json.RawMessage   `json:"expected,omitempty"` // what the rollout's last effect left; Prepare reports Foreign where something else stands
	Remote        json.RawMessage   `json:"remote,omitempty"`   // Remote: the platform's rollout as last seen, for every kind but Deploy and Rollback
	Options       Options           `json:"options,omitzero"`
	Stands        json.RawMessage   `json:"-"`              // what Live read of the target a moment ago ([Live.Stands]); Prepare takes it for its own read. Nil has Prepare read
	Data          json.RawMessage   `json:"data,omitempty"` // the driver's: what Begin, Lookup and Poll will need of this target alone (Call.Data is saved with every target of a batch)
}

// Options are a person's words for one promotion, as the commands take them.
type Options struct {
	Description      string            `json:"description,omitempty"`
	Labels           map[string]string `json:"labels,omitempty"`
	Annotations      map[string]string `json:"annotations,omitempty"`
	OverridePolicies []string          `json:"overridePolicies,omitempty"`
	AnyOrder         bool              `json:"anyOrder,omitempty"` // the source and the target were named on purpose: backward or same-stage moves are allowed
	Resolved         bool              `json:"resolved,omitempty"` // set on what a person decided after a Foreign finding: Expected is not compared
}

// Call is one effect on 1..Batch targets. It is saved as the intent, so it
// carries no secret.
type Call struct {
	Key      string          `json:"key"` // the same for every attempt at this effect, different for every effect
	Kind     Kind            `json:"kind"`
	Changes  []Change        `json:"changes"`
	Intended time.Time       `json:"intended,omitzero"` // when the intent was saved, by our clock
	Data     json.RawMessage `json:"data,omitempty"`    // the driver's: what Begin and Lookup will need
}

// Names lists the targets of the call in the order of its changes.
func (c Call) Names() []string {
	names := make([]string, len(c.Changes))
	for i, change := range c.Changes {
		names[i] = change.Target.Name
	}
	return names
}

// Severity says what a finding does to the promotion.
type Severity string

// The severities.
const (
	Refuse  Severity = "refuse"  // the effect must not be sent
	Foreign Severity = "foreign" // somebody else changed the target during our rollout: a person decides
	Warn    Severity = "warn"    // goes ahead; people should know
	Note    Severity = "note"    // goes ahead; worth a line in plan
)

// Finding is one thing that Prepare noticed.
type Finding struct {
	Target   string   `json:"target"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"` // what was found
	Remedy   string   `json:"remedy,omitempty"`
}

// Prepared is a frozen call and what it would do.
type Prepared struct {
	Call          Call // complete: Begin and Lookup need nothing else
	Findings      []Finding
	Before, After map[string]json.RawMessage // by target name; After is predicted
	Unchanged     []string                   // targets where nothing is left to do; not in Call.Changes any more
	First         []string                   // targets where the platform says that nothing runs yet
	Runs          map[string]Release         // by target name: what ran before, where the reads that Prepare makes tell it
	Requests      []string                   // what Begin will send, for plan
	Next          []string                   // the commands of the effects that follow it in its phase, as far as they are known already; for plan
	Commands      []string                   // the same with the vendor's own client, for people: lines for a POSIX shell, made with [Shell]; credentials by their variables' names
}

// Verdict is what Lookup found out about a Begin without an answer.
type Verdict string

// The verdicts.
const (
	Found     Verdict = "found"     // it took effect: the operation tells how far it is
	Absent    Verdict = "absent"    // it did not, and no longer will: it may be sent again
	Undecided Verdict = "undecided" // cannot be said yet: look again later
	// ForeignChange means that what stands is neither what stood before nor
	// what the call makes: somebody else was there, and a person decides.
	ForeignChange Verdict = "foreign"
)

// Driver is what a platform implements.
//
// Every method respects ctx. Calls carry changes of one platform only; where
// Facts.Batch allows several, they share Kind, Source and Release.
type Driver interface {
	// Live is what runs on the targets now, and why that cannot be told: two
	// lists in the order of the targets, an entry of one of them set for each. One
	// target's trouble is that target's alone. What several of them have in common
	// is asked for once, and single requests are made side by side, as many as
	// Env.Places says.
	Live(ctx context.Context, targets []Target) ([]Live, []error)

	// Resolve finds a release by its id for t and fills in what the platform knows
	// of it, CreateTime above all. A platform that can list releases also takes
	// what else people may call one ([Release.Called]). NotFound where it has no
	// such release within t's reach, Invalid where several are called so. [Latest]
	// is the newest one that may be promoted, Invalid where the platform lists none.
	Resolve(ctx context.Context, t Target, id string) (Release, error)

	// Make makes a release of what stands within t's reach now, and changes nothing
	// that runs. It is described by description; where one with that very
	// description is there, that is it and nothing is made, so that Make may be
	// repeated after a lost answer. Unsupported unless the facts say Makes.
	Make(ctx context.Context, t Target, description string) (Release, error)

	// Prepare only reads: preflight, resolution, snapshot. Prepared.Call is
	// what Begin needs. What would make the effect wrong is a Refuse finding;
	// an error means that it could not be found out.
	Prepare(ctx context.Context, c Call) (Prepared, error)

	// Begin sends the effect at most once and never repeats it inside. An
	// answer that carries the resulting state counts as read back: then the
	// operation is Done. An answer that is not what Prepare predicted is an
	// error explained as Lost.
	Begin(ctx context.Context, c Call) (Operation, error)

	// Lookup finds what an unanswered Begin of c did. It only reads. The
	// operation is set with Found, and with ForeignChange to what stands.
	Lookup(ctx context.Context, c Call) (Verdict, Operation, error)

	// Poll reads the operation's progress, once for all of its targets, and
	// returns it advanced. A result of Succeeded was read back: our release was
	// seen as what runs there. wait, where not zero, is the platform's hint
	// when to ask again.
	Poll(ctx context.Context, op Operation) (next Operation, wait time.Duration, err error)

	// Operation reads work of the platform's own by the name that the platform has
	// for it, whoever began it: how far it is, and what became of it on t. Its Call
	// is not set, and what Succeeded claims is the platform's word alone. It only
	// reads. Unsupported where the platform has no such work, NotFound where it has
	// none of that name within t's reach.
	Operation(ctx context.Context, t Target, name string) (op Operation, wait time.Duration, err error)

	// Explain classifies an error that one of the methods above returned.
	Explain(err error) Explanation
}

// Env is what a driver may know of the world outside its arguments.
type Env struct {
	// Getenv reads an environment variable by its ecosystem's own name.
	Getenv func(string) string
	// Transport carries every request. Nil means http.DefaultTransport.
	Transport http.RoundTripper
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Places is how many requests a driver may have under way at a time in one
	// call of its own. 0 means 8.
	Places int
	// Identity is who asks, as the file declares it by the keys of Facts.Identity; nil is
	// whom the environment has. It holds no credential.
	Identity json.RawMessage
	// Sessions are shared with the other clients of the process; nil shares nothing.
	Sessions *Sessions
	// Secret is told every credential when the client obtains it (a secret key
	// of a profile, an access token that was exchanged), before its first use, so
	// that it is masked and redacted everywhere. Nil drops it. Drivers call it
	// through [Env.Keep].
	Secret func(value string)
}

// Keep tells the environment of a credential that must never be shown. It is
// safe for concurrent use where Secret is; an empty value is nothing.
func (e Env) Keep(value string) {
	if e.Secret != nil && value != "" {
		e.Secret(value)
	}
}

// AtOnce is Places, or its default.
func (e Env) AtOnce() int {
	if e.Places <= 0 {
		return 8
	}
	return e.Places
}

// Time is the time by the environment's clock.
func (e Env) Time() time.Time {
	if e.Now == nil {
		return time.Now()
	}
	return e.Now()
}
