package engine_test

import (
	"encoding/json"
	"fmt"
	"time"

	"sluice/stages/driver"
)

// cloud is what a platform keeps that owns its rollouts: one for each target,
// with a canary phase and a stable one that a person advances to.
type cloud struct {
	approval bool   // its rollouts need approval
	fails    string // the phase whose job fails next
	rollouts map[string]*cloudRollout
}

type cloudRollout struct {
	Name   string       `json:"name"`
	State  string       `json:"state"`
	Etag   string       `json:"etag"`
	Phases []cloudPhase `json:"phases"`
	Reason string       `json:"failureReason,omitempty"`

	release string
	saves   int
}

type cloudPhase struct {
	ID    string    `json:"id"`
	State string    `json:"state"`
	Jobs  cloudJobs `json:"deploymentJobs"`
}

type cloudJobs struct {
	Deploy cloudJob `json:"deployJob"`
}

type cloudJob struct {
	ID    string   `json:"id"`
	State string   `json:"state"`
	Job   struct{} `json:"deployJob"`
}

func newCloud() *sky {
	s := newSky(driver.Facts{
		Platform: "cloud", Title: "A cloud", Remote: true, Backoff: driver.Backoff{Initial: time.Second, Max: time.Minute, Factor: 2},
		Kinds: []driver.Kind{
			driver.Deploy, driver.Rollback, driver.Approve, driver.Reject, driver.Advance, driver.RetryJob, driver.IgnoreJob, driver.Cancel,
		},
	})
	s.cloud = &cloud{rollouts: map[string]*cloudRollout{}}
	return s
}

// apply does what a call says.
func (c *cloud) apply(s *sky, call driver.Call) {
	change := call.Changes[0]
	name := change.Target.Name
	r := c.rollouts[name]
	switch call.Kind {
	case driver.Deploy, driver.Rollback:
		r = &cloudRollout{Name: "projects/p/rollouts/" + name, State: "IN_PROGRESS", release: change.Release.ID}
		for _, id := range []string{"canary-10", "stable"} {
			p := cloudPhase{ID: id, State: "PENDING", Jobs: cloudJobs{Deploy: cloudJob{ID: "deploy", State: "PENDING"}}}
			r.Phases = append(r.Phases, p)
		}
		c.rollouts[name] = r
		if c.approval {
			r.State = "PENDING_APPROVAL"
			break
		}
		c.start(r, "canary-10")
	case driver.Approve:
		r.State = "IN_PROGRESS"
		c.start(r, "canary-10")
	case driver.Reject:
		r.State, r.Reason = "APPROVAL_REJECTED", "no"
	case driver.Cancel:
		r.State, r.Reason = "CANCELLED", "cancelled"
	default:
		r.State, r.Reason = "IN_PROGRESS", ""
		c.start(r, change.Phase)
	}
	r.saves++
	r.Etag = fmt.Sprint(r.saves)
	if r.State == "SUCCEEDED" {
		s.spots[spotOf(change.Target)].standing = standing{Release: r.release}
	}
}

// start runs a phase to its end.
func (c *cloud) start(r *cloudRollout, phase string) {
	done := true
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.ID == phase && c.fails == phase {
			c.fails = ""
			p.State, p.Jobs.Deploy.State, r.State, r.Reason = "FAILED", "FAILED", "FAILED", "the job failed"
			return
		}
		if p.ID == phase {
			p.State, p.Jobs.Deploy.State = "SUCCEEDED", "SUCCEEDED"
		}
		done = done && p.State == "SUCCEEDED"
	}
	if done {
		r.State = "SUCCEEDED"
	}
}

// report is the platform's rollout as a result.
func (c *cloud) report(s *sky, key string, call driver.Call) driver.Operation {
	change := call.Changes[0]
	name := change.Target.Name
	r := c.rollouts[name]
	verbatim, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	out := driver.Operation{ID: "op-" + key, Status: driver.Running}
	result := driver.Result{Outcome: driver.Open, Rollout: verbatim}
	switch {
	case call.Kind != driver.Deploy && call.Kind != driver.Rollback:
		out.Status, result.Outcome = driver.Done, driver.Succeeded
	case r.State == "SUCCEEDED":
		out.Status, result.Outcome, result.Release = driver.Done, driver.Succeeded, driver.Release{ID: r.release}
	case r.State == "PENDING_APPROVAL":
		result.Waiting = "approval"
	case r.State == "IN_PROGRESS":
		result.Waiting = "advance"
	default:
		out.Status, result.Outcome, result.Errors = driver.Done, driver.Failed, []driver.Problem{{Message: r.Reason}}
	}
	out.Results = map[string]driver.Result{name: result}
	return out
}
