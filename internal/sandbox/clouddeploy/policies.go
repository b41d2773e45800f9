package clouddeploy

import (
	"maps"
	"slices"
	"time"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// newPolicy gives a deploy policy what the server gives.
func newPolicy(m moment, _ *call, name string, p *wire.DeployPolicy) error {
	if err := checkPolicy(p); err != nil {
		return err
	}
	p.Name, p.UID, p.CreateTime, p.UpdateTime = name, uid(name), m.stamp(), m.stamp()
	seal(p, &p.Etag)
	return nil
}

// checkPolicy refuses a policy that could not be enforced: it needs a selector
// and a rule, and every rule a time window in a zone.
func checkPolicy(p *wire.DeployPolicy) error {
	if len(p.Selectors) == 0 || len(p.Rules) == 0 {
		return googleapi.Invalid("A deploy policy must have at least one selector and at least one rule")
	}
	for _, rule := range p.Rules {
		r := rule.RolloutRestriction
		if r == nil || !googleapi.IsID(r.ID) {
			return googleapi.Invalid("A rule must have a rollout restriction with an id")
		}
		w := r.TimeWindows
		if w == nil || len(w.WeeklyWindows)+len(w.OneTimeWindows) == 0 {
			return googleapi.Invalid("Rule %s must have at least one time window", r.ID)
		}
		if _, err := time.LoadLocation(w.TimeZone); err != nil || w.TimeZone == "" {
			return googleapi.Invalid("Rule %s: invalid time zone %q", r.ID, w.TimeZone)
		}
	}
	return nil
}

// action is what a request does to rollouts on a target, in the words of
// deploy policies.
type action struct {
	name     string // CREATE, APPROVE, ADVANCE, CANCEL, IGNORE_JOB, RETRY_JOB, ROLLBACK, TERMINATE_JOBRUN
	pipeline string // resource name
	target   string // id
	override []string
}

// allow refuses an action that a deploy policy restricts now.
//
// docs/platforms.md: "Deploy policies: weekly or one-time windows in an IANA
// zone, start inclusive, end exclusive; invokers USER and DEPLOY_AUTOMATION; a
// named override."
func (m moment) allow(a action) error {
	for _, name := range a.override {
		if _, ok := m.Policies[name]; !ok {
			return googleapi.NotFound(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Policies)) {
		p := m.Policies[name]
		if locationOf(name) != locationOf(a.pipeline) || p.Suspended || slices.Contains(a.override, name) || !m.selects(p, a) {
			continue
		}
		for _, rule := range p.Rules {
			if restricts(rule.RolloutRestriction, a, m.now) {
				return googleapi.Precondition("%s is restricted by deploy policy %s, rule %s", a.name, name, rule.RolloutRestriction.ID)
			}
		}
	}
	return nil
}

// selects reports whether one of the policy's selectors matches the action's
// pipeline and target.
func (s *state) selects(p *wire.DeployPolicy, a action) bool {
	pipeline, target := s.Pipelines[a.pipeline], s.target(locationOf(a.pipeline), a.target)
	return slices.ContainsFunc(p.Selectors, func(of *wire.DeployPolicyResourceSelector) bool {
		if of.DeliveryPipeline == nil && of.Target == nil {
			return false
		}
		if d := of.DeliveryPipeline; d != nil && (pipeline == nil || !attribute(d.ID, d.Labels, kit.Last(a.pipeline), pipeline.Labels)) {
			return false
		}
		if t := of.Target; t != nil && (target == nil || !attribute(t.ID, t.Labels, a.target, target.Labels)) {
			return false
		}
		return true
	})
}

func attribute(wantID string, want map[string]string, haveID string, have map[string]string) bool {
	if wantID != "" && wantID != "*" && wantID != haveID {
		return false
	}
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}

// restricts reports whether a rule forbids the action at a time.
func restricts(r *wire.RolloutRestriction, a action, at time.Time) bool {
	if len(r.Actions) > 0 && !slices.Contains(r.Actions, a.name) {
		return false
	}
	if len(r.Invokers) > 0 && !slices.Contains(r.Invokers, "USER") {
		return false
	}
	zone, err := time.LoadLocation(r.TimeWindows.TimeZone)
	if err != nil {
		return false
	}
	now := at.In(zone)
	return slices.ContainsFunc(r.TimeWindows.WeeklyWindows, func(w *wire.WeeklyWindow) bool { return inWeekly(w, now) }) ||
		slices.ContainsFunc(r.TimeWindows.OneTimeWindows, func(w *wire.OneTimeWindow) bool { return inOneTime(w, now) })
}

func inWeekly(w *wire.WeeklyWindow, now time.Time) bool {
	days := []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}
	if len(w.DaysOfWeek) > 0 && !slices.Contains(w.DaysOfWeek, days[now.Weekday()]) {
		return false
	}
	if w.StartTime == nil && w.EndTime == nil {
		return true
	}
	minute := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second
	return minute >= ofDay(w.StartTime) && minute < ofDay(w.EndTime)
}

func inOneTime(w *wire.OneTimeWindow, now time.Time) bool {
	at := func(d *wire.Date, t *wire.TimeOfDay) time.Time {
		return time.Date(int(d.Year), time.Month(d.Month), int(d.Day), 0, 0, 0, 0, now.Location()).Add(ofDay(t))
	}
	if w.StartDate == nil || w.EndDate == nil {
		return false
	}
	return !now.Before(at(w.StartDate, w.StartTime)) && now.Before(at(w.EndDate, w.EndTime))
}

// ofDay is how long after midnight a time of day is.
func ofDay(t *wire.TimeOfDay) time.Duration {
	if t == nil {
		return 0
	}
	return time.Duration(t.Hours)*time.Hour + time.Duration(t.Minutes)*time.Minute + time.Duration(t.Seconds)*time.Second
}
