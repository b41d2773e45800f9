package clouddeploy_test

import (
	"testing"
	"time"

	api "google.golang.org/api/clouddeploy/v1"
)

// weekday is a policy that forbids actions on Monday mornings in Berlin.
func weekday(actions ...string) *api.DeployPolicy {
	return &api.DeployPolicy{
		Selectors: []*api.DeployPolicyResourceSelector{{Target: &api.TargetAttribute{Id: "prod"}}},
		Rules: []*api.PolicyRule{{RolloutRestriction: &api.RolloutRestriction{
			Id: "mornings", Actions: actions, Invokers: []string{"USER"},
			TimeWindows: &api.TimeWindows{TimeZone: "Europe/Berlin", WeeklyWindows: []*api.WeeklyWindow{{
				DaysOfWeek: []string{"MONDAY"}, StartTime: &api.TimeOfDay{Hours: 10}, EndTime: &api.TimeOfDay{Hours: 12},
			}}},
		}}},
	}
}

func (b *bench) policy(id string, p *api.DeployPolicy) string {
	b.Helper()
	b.Must("POST", location+"/deployPolicies?deployPolicyId="+id, p, &api.Operation{})
	b.Must("GET", location+"/deployPolicies/"+id, nil, &api.DeployPolicy{})
	return location + "/deployPolicies/" + id
}

// docs/platforms.md: "weekly or one-time windows in an IANA zone, start
// inclusive, end exclusive; invokers USER and DEPLOY_AUTOMATION; a named override."
func TestPolicyWindow(t *testing.T) {
	b := newBench(t) // 09:00 UTC is 10:00 in Berlin
	name := b.policy("freeze", weekday("CREATE"))
	create := newest + "/rollouts?rolloutId=r1"
	b.Refused("restricted by deploy policy "+name+", rule mornings", "POST", create, &api.Rollout{TargetId: "prod"})
	b.Refused("NOT_FOUND", "POST", create+"&overrideDeployPolicy="+name+"x", &api.Rollout{TargetId: "prod"})
	b.create(newest, "elsewhere", "staging")
	b.clock.Move(-time.Second)
	b.Must("POST", create+"&validateOnly=true", &api.Rollout{TargetId: "prod"}, &api.Operation{})
	b.clock.Move(2 * time.Hour)
	b.Refused("restricted", "POST", create, &api.Rollout{TargetId: "prod"})
	b.clock.Move(time.Second)
	b.create(newest, "r2", "prod")
}

func TestPolicyOverride(t *testing.T) {
	b := newBench(t)
	name := b.policy("freeze", weekday())
	b.Must("POST", newest+"/rollouts?rolloutId=r1&overrideDeployPolicy="+name, &api.Rollout{TargetId: "prod"}, &api.Operation{})
	rollout := newest + "/rollouts/r1"
	b.Refused("CANCEL is restricted", "POST", rollout+":cancel", &api.CancelRolloutRequest{})
	b.Must("POST", rollout+":cancel", &api.CancelRolloutRequest{OverrideDeployPolicy: []string{name}}, &api.CancelRolloutResponse{})
	b.Refused("ROLLBACK is restricted", "POST", shop+":rollbackTarget", &api.RollbackTargetRequest{TargetId: "prod", RolloutId: "back", ReleaseId: "release-001"})
}

func TestPoliciesThatDoNotApply(t *testing.T) {
	for name, change := range map[string]func(*api.DeployPolicy){
		"suspended":    func(p *api.DeployPolicy) { p.Suspended = true },
		"other target": func(p *api.DeployPolicy) { p.Selectors[0].Target.Id = "staging" },
		"other labels": func(p *api.DeployPolicy) { p.Selectors[0].Target.Labels = map[string]string{"tier": "one"} },
		"other shop": func(p *api.DeployPolicy) {
			p.Selectors[0].DeliveryPipeline = &api.DeliveryPipelineAttribute{Id: "other"}
		},
		"automation":   func(p *api.DeployPolicy) { p.Rules[0].RolloutRestriction.Invokers = []string{"DEPLOY_AUTOMATION"} },
		"other action": func(p *api.DeployPolicy) { p.Rules[0].RolloutRestriction.Actions = []string{"APPROVE"} },
		"other weekday": func(p *api.DeployPolicy) {
			p.Rules[0].RolloutRestriction.TimeWindows.WeeklyWindows[0].DaysOfWeek = []string{"SUNDAY"}
		},
		"no selector": func(p *api.DeployPolicy) { p.Selectors[0].Target = nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p := weekday()
			change(p)
			b.policy("freeze", p)
			b.create(newest, "r1", "prod")
		})
	}
}

func TestPolicyOneTime(t *testing.T) {
	b := newBench(t)
	p := weekday()
	day := &api.Date{Year: 2026, Month: 3, Day: 2}
	p.Rules[0].RolloutRestriction.TimeWindows = &api.TimeWindows{TimeZone: "Etc/UTC", OneTimeWindows: []*api.OneTimeWindow{{
		StartDate: day, StartTime: &api.TimeOfDay{Hours: 8}, EndDate: day, EndTime: &api.TimeOfDay{Hours: 24},
	}}}
	p.Selectors[0] = &api.DeployPolicyResourceSelector{DeliveryPipeline: &api.DeliveryPipelineAttribute{Id: "*"}}
	b.policy("freeze", p)
	b.Refused("restricted", "POST", newest+"/rollouts?rolloutId=r1", &api.Rollout{TargetId: "prod"})
	b.clock.Move(15 * time.Hour)
	b.create(newest, "r1", "prod")
}

func TestPoliciesThatCannotBe(t *testing.T) {
	b := newBench(t)
	for words, change := range map[string]func(*api.DeployPolicy){
		"at least one selector":    func(p *api.DeployPolicy) { p.Selectors = nil },
		"with an id":               func(p *api.DeployPolicy) { p.Rules[0].RolloutRestriction.Id = "" },
		"at least one time window": func(p *api.DeployPolicy) { p.Rules[0].RolloutRestriction.TimeWindows = nil },
		"invalid time zone":        func(p *api.DeployPolicy) { p.Rules[0].RolloutRestriction.TimeWindows.TimeZone = "Mars" },
	} {
		p := weekday()
		change(p)
		b.Refused(words, "POST", location+"/deployPolicies?deployPolicyId=freeze", p)
	}
	b.policy("freeze", weekday())
	b.Refused("ALREADY_EXISTS", "POST", location+"/deployPolicies?deployPolicyId=freeze", weekday())
}
