package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"gopkg.in/yaml.v3"
)

// What a stage does when one of its targets fails.
const (
	Continue    = "continue" // the other targets go on
	Halt        = "halt"     // targets that have not started do not start
	RollbackAll = "rollback" // the stage's targets go back to their baselines
	mostQuorum  = 100
)

// readShared is what a stage declares for its targets, and a target may declare
// for itself.
type shared struct {
	canary                        *Canary
	predeploy, verify, postdeploy []*Check
	timeout, operationTimeout     time.Duration
	identities                    []Identity
}

// readStage reads one step of the order and its targets.
func readStage(w *walker, n *yaml.Node, p *Pipeline) (*Stage, bool) {
	m, ok := w.mapping(n, "a stage", "name", "after", "supersede", "afterGoingBack", "onFailure", "waves", "soak", "approval", "url", "predeploy", "verify", "postdeploy",
		"strategy", "identity", "timeout", "operationTimeout", "targets")
	if !ok {
		return nil, false
	}
	m.require("name", "targets")
	s := &Stage{
		Pos:            m.pos,
		Name:           m.name("name"),
		after:          readStagesBefore(w, m),
		saysAfter:      m.has("after"),
		Supersede:      m.flag("supersede", p.Supersede),
		OnFailure:      readOnFailure(w, m),
		Waves:          readWaves(w, m.node("waves")),
		Soak:           m.duration("soak", 0, 1),
		soakPos:        m.place("soak"),
		AfterGoingBack: m.word("afterGoingBack", p.AfterGoingBack, AfterGoingBackStop, AfterGoingBackNewer).Value,
		Approval:       readApproval(w, m.node("approval")),
		URL:            readPage(w, m, "url"),
	}
	s.TakeBack = s.Waves.takeBack()
	own := readShared(w, m, shared{timeout: p.Timeout, operationTimeout: p.OperationTimeout})
	forTargets := own
	s.Identities = own.identities
	s.Predeploy, forTargets.predeploy = byScope(own.predeploy)
	s.Verify, forTargets.verify = byScope(own.verify)
	s.Postdeploy, forTargets.postdeploy = byScope(own.postdeploy)
	for _, item := range m.someItems("targets", "a target") {
		if t, ok := readTarget(w, item, s, forTargets); ok {
			s.Targets = append(s.Targets, t)
		}
	}
	return s, true
}

// readShared reads what stages and targets have in common; what m does not say is
// inherited.
func readShared(w *walker, m mapping, inherited shared) shared {
	s := shared{
		canary:           inherited.canary,
		predeploy:        inherited.predeploy,
		verify:           inherited.verify,
		postdeploy:       inherited.postdeploy,
		timeout:          m.duration("timeout", inherited.timeout, 1),
		operationTimeout: m.duration("operationTimeout", inherited.operationTimeout, 1),
		identities:       readIdentities(w, m.node("identity"), inherited.identities),
	}
	if m.has("strategy") {
		s.canary = readStrategy(w, m.node("strategy"))
	}
	if m.has("predeploy") {
		s.predeploy = readChecks(w, m, "predeploy")
	}
	if m.has("verify") {
		s.verify = readChecks(w, m, "verify")
	}
	if m.has("postdeploy") {
		s.postdeploy = readChecks(w, m, "postdeploy")
	}
	return s
}

// byScope parts a stage's checks into those that run once per stage and those
// that run for each target.
func byScope(all []*Check) (stage, target []*Check) {
	for _, c := range all {
		if c.Scope == ScopeStage {
			stage = append(stage, c)
		} else {
			target = append(target, c)
		}
	}
	return stage, target
}

// readApproval reads who must agree; n is nil without the key.
func readApproval(w *walker, n *yaml.Node) *Approval {
	if n == nil {
		return nil
	}
	m, ok := w.mapping(n, "approval", "required", "environment", "approvers", "quorum", "timeout", "self", "rollback", "comments")
	if !ok {
		return nil
	}
	a := &Approval{
		Pos:         m.pos,
		Required:    m.flag("required", true),
		Environment: readEnvironment(w, m),
		Approvers:   readPeople(w, m, "approvers", notAnApprover),
		Quorum:      m.whole("quorum", 1, 1, mostQuorum),
		Timeout:     m.duration("timeout", defaultApprovalTimeout, 1),
		Self:        m.flag("self", false),
		Rollback:    m.flag("rollback", false),
		Comments:    m.flag("comments", false),
	}
	if a.Comments && a.Environment != "" {
		w.problem(w.pos(m.node("comments")), "comments: approvals of an environment are its reviews, and a comment is none; remove one of the two")
	}
	if len(a.Approvers) > 0 && a.Quorum > len(a.Approvers) && !slices.ContainsFunc(a.Approvers, teamPattern().MatchString) {
		w.problem(w.pos(m.node("quorum")), fmt.Sprintf("quorum: %d approvals can never come from %d approvers; lower the quorum or add approvers", a.Quorum, len(a.Approvers)))
	}
	return a
}

// IsTeam reports whether an approver is a team, "@org/team", and not a person.
func IsTeam(approver string) bool { return strings.HasPrefix(approver, "@") }

// readPage reads the address of something that people open, "" without the key.
func readPage(w *walker, m mapping, key string) At[string] {
	address := m.filled(key)
	asked, _, _ := strings.Cut(address.Value, "#")
	if why := notAURL(asked); strings.TrimSpace(address.Value) != "" && why != "" {
		w.problem(address.Pos, fmt.Sprintf("%s: %s %s; want one such as https://shop.example.com/%s", key, quote(address.Value), why, notFilled(address.Value)))
	} else if filled := notFilled(address.Value); filled != "" {
		w.problem(address.Pos, fmt.Sprintf("%s: %s would be shown as it is%s", key, quote(address.Value), filled))
	}
	return address
}

// mostEnvironment is how long GitHub lets an environment's name be.
const mostEnvironment = 255

// readEnvironment reads the name of a GitHub environment, "" without the key.
func readEnvironment(w *walker, m mapping) string {
	name := m.filled("environment")
	if len([]rune(name.Value)) > mostEnvironment || strings.ContainsFunc(name.Value, unicode.IsControl) {
		w.problem(name.Pos, fmt.Sprintf("environment: %s is not the name of a GitHub environment; want at most %d characters in one line", quote(name.Value), mostEnvironment))
	}
	return name.Value
}

// readLogins reads a list of people.
func readLogins(w *walker, m mapping, key string) []string { return readPeople(w, m, key, notALogin) }

// readPeople reads a list of those that wrong finds nothing wrong with.
func readPeople(w *walker, m mapping, key string, wrong func(string) string) []string {
	list := m.texts(key)
	for _, login := range list {
		if why := wrong(login.Value); why != "" {
			w.problem(login.Pos, fmt.Sprintf("%s: %s %s", key, quote(login.Value), why))
		}
	}
	w.noDuplicates(key, list)
	return values(list)
}

// notAnApprover says why a word is neither a person's login nor a team, "" where it is
// one.
func notAnApprover(word string) string {
	switch {
	case teamPattern().MatchString(word):
		return ""
	case strings.Contains(word, "/"):
		return `is no team; want one such as "@org/team": the organisation and the name that is in the team's address`
	default:
		return notALogin(word)
	}
}

// notALogin says why a word is not a person's login, "" where it is one.
func notALogin(login string) string {
	switch {
	case strings.HasSuffix(login, "[bot]"):
		return "is not a person; only people count"
	case strings.Contains(login, "/"):
		return "is a team; list the logins of its members"
	case strings.HasPrefix(login, "@"):
		return fmt.Sprintf("is not a login; write %q", strings.TrimPrefix(login, "@"))
	case !loginPattern().MatchString(login):
		return "is not a login; want one such as octocat"
	}
	return ""
}
