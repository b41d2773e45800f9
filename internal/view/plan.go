package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/ledger"
	"sluice/internal/planner"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Plan is what a promotion would do, as `plan` tells it. Nothing was changed to
// find out.
type Plan struct {
	Targets  []TargetPlan     `json:"targets"`
	Findings []driver.Finding `json:"findings"`
	// Identities are who would ask, where the pipeline file names them.
	Identities []IdentityPlan `json:"identities"`

	command string
	refused bool
}

// TargetPlan is one target's share of a plan.
type TargetPlan struct {
	Target     string   `json:"target"`
	Stage      string   `json:"stage"`
	Platform   string   `json:"platform"`
	Source     string   `json:"source,omitempty"`
	Beside     []string `json:"beside,omitempty"` // the targets of other stages before that run it too
	Release    string   `json:"release"`
	Runs       string   `json:"runs,omitempty"`       // what runs there now
	Commit     string   `json:"commit,omitempty"`     // that the release was made of, where the platform tells
	RunsCommit string   `json:"runsCommit,omitempty"` // that what runs was made of
	Commits    *Commits `json:"commits,omitempty"`    // between the two
	Wave       int      `json:"wave,omitempty"`       // from 1; 0 where there are none
	Phases     []string `json:"phases"`
	Approval   bool     `json:"approval,omitempty"`
	// PlatformApproval is the platform's own beside ours; nil where it has no such
	// thing, or nothing is sent.
	PlatformApproval *PlatformApproval `json:"platformApproval,omitempty"`
	Unchanged        bool              `json:"unchanged,omitempty"`
	First            bool              `json:"first,omitempty"`
	Resumes          string            `json:"resumes,omitempty"`
	Queued           bool              `json:"queued,omitempty"`
	WaitingFor       *Waiting          `json:"waitingFor,omitempty"` // what keeps it from being planned
	Does             []string          `json:"does,omitempty"`       // what happens to a rollout that exists
	BlockedBy        []Block           `json:"blockedBy,omitempty"`  // what stands in the way now, and until when
	Requests         []string          `json:"requests,omitempty"`   // what the first effect would send
	Commands         []string          `json:"commands,omitempty"`   // the same with the vendor's own client, lines for a shell
	Checks           []string          `json:"checks,omitempty"`     // what would be checked, and with which permissions
	Before           json.RawMessage   `json:"before,omitempty"`
	After            json.RawMessage   `json:"after,omitempty"` // after the first effect, predicted
}

// PlatformApproval is whether a platform asks for an approval of its own.
type PlatformApproval struct {
	Required bool   `json:"required"`
	Unread   string `json:"unread,omitempty"` // why nobody knows
}

// Sends reports whether something would be sent for the target now.
func (t TargetPlan) Sends() bool { return !t.Unchanged && len(t.Requests) > 0 }

// Approves notes whether the target's platform asks for an approval of its own, or
// why that is not known.
func (t *TargetPlan) Approves(asks bool, err error) {
	t.PlatformApproval = &PlatformApproval{Required: asks}
	if err != nil {
		t.PlatformApproval = &PlatformApproval{Unread: err.Error()}
	}
}

// text is the approval for a person; "" where none is asked for.
func (a *PlatformApproval) text() string {
	switch {
	case a == nil:
		return ""
	case a.Unread != "":
		return "on the platform itself could not be read: " + a.Unread
	case a.Required:
		return "on the platform itself is asked for, too, once it has the release"
	default:
		return ""
	}
}

// Plan tells of a promotion's plan.
func (v View) Plan(plan planner.Plan) Plan { return v.PlanOf(nothing(), plan) }

// PlanOf tells of the plan of any command, and of what it finds in the records.
func (v View) PlanOf(state *ledger.State, plan planner.Plan) Plan {
	t := v.tell(state)
	out := Plan{command: plan.Command, Targets: []TargetPlan{}, Findings: slices.Clone(plan.Findings), refused: plan.Refused()}
	waves := t.waves(&plan.Promotion)
	for _, m := range plan.Moves {
		if len(m.Refused) > 0 {
			out.Findings = append(out.Findings, refusalFindings(m.Refused)...)
			continue
		}
		one := t.plan(plan, m)
		one.Wave = waves[m.Target]
		out.Targets = append(out.Targets, one)
	}
	out.Findings = append(out.Findings, refusalFindings(plan.Refusals)...)
	out.Identities = append([]IdentityPlan{}, t.identities(plan)...)
	if plan.Refused() {
		out.Targets = []TargetPlan{} // one refusal refuses all
	}
	return out
}

func (t *telling) plan(plan planner.Plan, m planner.Move) TargetPlan {
	o := Target{Target: m.Target}
	t.place(&o, nil)
	s := m.Shows
	one := TargetPlan{
		Target: m.Target, Stage: o.Stage, Platform: o.Platform, Source: s.Source, Beside: s.Beside, Release: s.Release.ID, Runs: s.Runs.ID,
		Phases: s.Phases, Approval: s.Approval, Unchanged: m.Unchanged, First: s.First, Resumes: s.Resumes, Queued: s.Queued,
	}
	if r := t.state.Records[m.Target]; r != nil {
		one.Does, one.BlockedBy = does(r, m.Do), t.blocks(r)
	}
	if !m.Unchanged {
		one.Checks = plannedChecks(m.Do)
	}
	if m.Pending != nil {
		w := t.again(plan.Command, o, *m.Pending)
		one.WaitingFor = &w
	}
	if p := m.First; p != nil {
		one.Before, one.After = p.Before[m.Target], p.After[m.Target]
		if !m.Unchanged {
			one.Requests, one.Commands = p.Requests, slices.Concat(p.Commands, p.Next)
		}
	}
	return one
}

// again tells of a target that could not be planned and may be later: nothing of
// it is in the state, so that the command itself is what goes on.
func (t *telling) again(command string, o Target, pending rollout.Waiting) Waiting {
	c := Command{Name: command, Target: o.Target}
	if command == rollout.CommandPromote {
		c.To = o.Stage
	}
	w := t.fromPlatform(o.Target, pending)
	t.offer(&w, c)
	return w
}

// Refused reports whether the promotion would be refused.
func (p Plan) Refused() bool { return p.refused }

// Release is the one that every target gets, "" where they differ.
func (p Plan) Release() string {
	release := ""
	for i, t := range p.Targets {
		if i > 0 && t.Release != release {
			return ""
		}
		release = t.Release
	}
	return release
}

// Text is the plan for a person. permissions are what the job's token needs.
func (p Plan) Text(permissions []string) string {
	var b strings.Builder
	sent := map[string]string{}
	for _, t := range p.Targets {
		b.WriteString(t.text(sent) + "\n")
	}
	for _, f := range p.Findings {
		b.WriteString(string(f.Severity) + "  " + named(f.Target, planner.Text(f)) + "\n")
	}
	for _, i := range p.Identities {
		b.WriteString("identity  " + i.text() + "\n")
	}
	if len(permissions) > 0 {
		b.WriteString("the job's token needs " + strings.Join(permissions, ", ") + "\n")
	}
	b.WriteString("plan: " + p.sum() + "\n")
	return b.String()
}

func (p Plan) sum() string {
	has := func(test func(TargetPlan) bool) bool { return slices.ContainsFunc(p.Targets, test) }
	switch {
	case p.refused:
		return "the " + noun(p.command) + " would be refused"
	case has(func(t TargetPlan) bool { return t.WaitingFor != nil }):
		return "nothing was changed, and not every target could be planned"
	case !has(func(t TargetPlan) bool { return !t.Unchanged }):
		return "nothing is left to do"
	default:
		return "nothing was changed"
	}
}

// noun is what a command makes.
func noun(command string) string {
	switch command {
	case rollout.CommandPromote, rollout.CommandPromoteCanary:
		return "promotion"
	case string(rollout.ToCancel):
		return "cancellation"
	default:
		return command
	}
}

// does says what becomes of the rollouts that exist.
func does(r *rollout.Record, list []rollout.Transition) []string {
	var lines []string
	for _, one := range list {
		switch one := one.(type) {
		case rollout.Cancel:
			lines = append(lines, "cancels "+one.Rollout+standing(r, one.Rollout))
		case rollout.GoBack:
			if e, ok := r.Active(); ok {
				lines = append(lines, "ends "+e.Rollout.Name+standing(r, e.Rollout.Name))
			}
		}
	}
	return lines
}

// standing says which canary of a rollout has traffic that goes back.
func standing(r *rollout.Record, name string) string {
	e, ok := r.Rollout(name)
	if !ok || !e.Touched() {
		return ""
	}
	for _, p := range e.Spec.Phases {
		if p.ID == phaseNow(e) && p.ID == rollout.PhaseTesters {
			return ", which testers are led to: that is taken away"
		}
		if p.ID == phaseNow(e) && p.Percent != "" {
			return ", whose " + p.ID + " has traffic: it goes back"
		}
	}
	return ""
}

// text is one target's share: what it gets, how, and what the first effect
// changes. sent are the requests that were told already, by target: what several
// targets share is sent once.
func (t TargetPlan) text(sent map[string]string) string {
	var b strings.Builder
	line := func(what, text string) { fmt.Fprintf(&b, "  %-9s %s\n", what, text) }
	fmt.Fprintf(&b, "%s/%s (%s)\n", t.Stage, t.Target, t.Platform)
	if release := t.releaseText(); release != "" {
		line("release", release)
	}
	switch {
	case t.Unchanged:
		line("unchanged", "nothing is left to do")
		return b.String()
	case t.WaitingFor != nil:
		line("pending", t.WaitingFor.Waits())
		return b.String()
	}
	for _, note := range t.notes() {
		line(note[0], note[1])
	}
	for _, c := range t.Commits.lines() {
		line("commits", c)
	}
	for _, c := range t.Checks {
		line("checks", c)
	}
	for _, d := range t.Does {
		line("does", d)
	}
	for _, b := range t.BlockedBy {
		line("blocked", strings.TrimPrefix(b.Stands(), "is blocked by "))
	}
	once := func(what string, list []string) {
		for _, text := range list {
			if first, told := sent[text]; told {
				line(what, "with "+first+", in one")
				continue
			}
			sent[text] = t.Target
			line(what, text)
		}
	}
	once("sends", t.Requests)
	once("by hand", t.Commands)
	for _, c := range changes(t.Before, t.After) {
		line("changes", c)
	}
	return b.String()
}

func (t TargetPlan) releaseText() string {
	text := t.Release
	if text == "" {
		return t.Runs // nothing comes
	}
	if t.Source != "" {
		text += " from " + strings.Join(append([]string{t.Source}, t.Beside...), ", ")
	}
	if t.Runs != "" && t.Runs != t.Release {
		text += ", in place of " + t.Runs
	}
	return text
}

// notes are what stands between a target and its release.
func (t TargetPlan) notes() [][2]string {
	var notes [][2]string
	if t.Wave > 0 {
		notes = append(notes, [2]string{"wave", number(t.Wave)})
	}
	if t.Resumes != "" {
		notes = append(notes, [2]string{"resumes", t.Resumes})
	}
	if t.Queued {
		notes = append(notes, [2]string{"queues", "behind the rollout at work there"})
	}
	if t.Approval {
		notes = append(notes, [2]string{"approval", "is waited for first"})
	}
	if text := t.PlatformApproval.text(); text != "" {
		notes = append(notes, [2]string{"approval", text})
	}
	if t.First {
		notes = append(notes, [2]string{"first", "nothing runs there yet: canary phases are skipped"})
	}
	if len(t.Phases) > 0 {
		notes = append(notes, [2]string{"phases", strings.Join(t.Phases, " → ")})
	}
	return notes
}
