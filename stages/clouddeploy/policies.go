package clouddeploy

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// checkPolicies refuses an action that a deploy policy restricts now and that
// is not overridden by name. It returns the policies to override as Cloud
// Deploy wants them; names that are none of its policies are left to others. of is the
// target's delivery pipeline.
func (p *draft) checkPolicies(ctx context.Context, of *deliveryPipeline, action string) ([]string, error) {
	policies, err := p.api.policies(ctx, p.at)
	if google.IsStatus(err, http.StatusForbidden) {
		p.find(driver.Warn, "the deploy policies cannot be read: one may still block this", "allow the account clouddeploy.deployPolicies.list")
		return p.overrides(nil), nil
	}
	if err != nil {
		return nil, err
	}
	about := governed{api: p.api, at: p.at, pipeline: of}
	for _, policy := range policies {
		rule, err := about.restricted(ctx, policy, action, p.now())
		if err != nil {
			return nil, err
		}
		if rule == "" {
			continue
		}
		name := google.Last(policy.Name)
		if slices.Contains(p.change.Options.OverridePolicies, name) || slices.Contains(p.change.Options.OverridePolicies, policy.Name) {
			p.find(driver.Note, fmt.Sprintf("deploy policy %s restricts %s now and is overridden", name, action), "")
			continue
		}
		p.refuse(fmt.Sprintf("deploy policy %s restricts %s now, by its rule %s", name, action, rule), "wait until its window is over, or override it with --override-policy "+name)
	}
	return p.overrides(policies), nil
}

// overrides are the policies to override that Cloud Deploy has, by resource
// name; nil policies means that it is not known which it has.
func (p *draft) overrides(policies []*deployPolicy) []string {
	var names []string
	for _, name := range p.change.Options.OverridePolicies {
		if !strings.Contains(name, "/") {
			name = p.at.location() + "/deployPolicies/" + name
		}
		known := slices.ContainsFunc(policies, func(have *deployPolicy) bool { return have.Name == name })
		if policies == nil || known {
			names = append(names, name)
		}
	}
	return names
}

// governed is a target as the selectors of policies see it.
type governed struct {
	api      reader
	at       place
	pipeline *deliveryPipeline
}

// restricted is the rule of a policy that forbids the action now, "" for none.
func (g governed) restricted(ctx context.Context, policy *deployPolicy, action string, now time.Time) (string, error) {
	if policy.Suspended {
		return "", nil
	}
	var rule *restriction
	for _, r := range policy.Rules {
		if rule == nil && r.Restriction != nil && forbids(r.Restriction, action, now) {
			rule = r.Restriction
		}
	}
	if rule == nil {
		return "", nil
	}
	for _, s := range policy.Selectors {
		selected, err := g.selected(ctx, s)
		if err != nil {
			return "", err
		}
		if selected {
			return rule.ID, nil
		}
	}
	return "", nil
}

// selected reports whether a selector means the target. The target itself is
// read only where labels decide.
func (g governed) selected(ctx context.Context, s selector) (bool, error) {
	if s.DeliveryPipeline == nil && s.Target == nil {
		return false, nil
	}
	if a := s.DeliveryPipeline; a != nil && !(isOrAll(a.ID, g.at.DeliveryPipeline) && hasLabels(g.pipeline.Labels, a.Labels)) {
		return false, nil
	}
	a := s.Target
	if a == nil || !isOrAll(a.ID, g.at.Target) || len(a.Labels) == 0 {
		return a == nil || isOrAll(a.ID, g.at.Target), nil
	}
	target, err := google.Decoded[struct {
		Labels map[string]string `json:"labels"`
	}](g.api.client.Get(ctx, root+g.at.target()))
	if err != nil {
		return false, err
	}
	return hasLabels(target.Labels, a.Labels), nil
}

func isOrAll(id, have string) bool { return id == "" || id == "*" || id == have }

func hasLabels(have, want map[string]string) bool {
	for key, value := range want {
		if have[key] != value {
			return false
		}
	}
	return true
}

// forbids reports whether a restriction holds for a person's action at a time.
func forbids(r *restriction, action string, now time.Time) bool {
	if len(r.Actions) > 0 && !slices.Contains(r.Actions, action) || len(r.Invokers) > 0 && !slices.Contains(r.Invokers, "USER") {
		return false
	}
	if r.Windows == nil {
		return false
	}
	zone, err := time.LoadLocation(r.Windows.TimeZone)
	if err != nil {
		return false // Cloud Deploy itself decides about a zone that this machine does not know
	}
	here := now.In(zone)
	return slices.ContainsFunc(r.Windows.Weekly, func(w weeklyWindow) bool { return weekly(w, here) }) ||
		slices.ContainsFunc(r.Windows.OneTime, func(w oneTimeWindow) bool { return oneTime(w, here) })
}

// weekly reports whether now lies in a window that recurs, start inclusive, end
// exclusive; the whole day without times.
func weekly(w weeklyWindow, now time.Time) bool {
	day := strings.ToUpper(now.Weekday().String())
	if len(w.DaysOfWeek) > 0 && !slices.Contains(w.DaysOfWeek, day) {
		return false
	}
	if w.StartTime == nil || w.EndTime == nil {
		return true
	}
	start, end := on(now, w.StartTime), on(now, w.EndTime)
	return !now.Before(start) && now.Before(end)
}

func oneTime(w oneTimeWindow, now time.Time) bool {
	if w.StartDate == nil || w.EndDate == nil {
		return false
	}
	day := func(d *date) time.Time {
		return time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, now.Location())
	}
	return !now.Before(on(day(w.StartDate), w.StartTime)) && now.Before(on(day(w.EndDate), w.EndTime))
}

// on is a time of day on a day, as the clocks there show it; 24:00 is the next
// midnight, no time at all the one before.
func on(day time.Time, t *timeOfDay) time.Time {
	if t == nil {
		t = &timeOfDay{}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), t.Hours, t.Minutes, t.Seconds, t.Nanos, day.Location())
}

// policies lists the deploy policies of the target's location.
func (api reader) policies(ctx context.Context, at place) ([]*deployPolicy, error) {
	all, err := google.List[*deployPolicy](ctx, api.client, root+at.location()+"/deployPolicies", "deployPolicies")
	return append([]*deployPolicy{}, all...), err // nil is for what is not known
}
