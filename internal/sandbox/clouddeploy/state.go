package clouddeploy

import (
	"encoding/json"
	"strings"
	"time"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// state is everything the emulator keeps, in the shape of its file. Resources
// are kept by their full names.
type state struct {
	Pipelines  map[string]*wire.DeliveryPipeline `json:"deliveryPipelines"`
	Targets    map[string]*wire.Target           `json:"targets"`
	Policies   map[string]*wire.DeployPolicy     `json:"deployPolicies"`
	Releases   map[string]*wire.Release          `json:"releases"`
	Rollouts   map[string]*wire.Rollout          `json:"rollouts"`
	JobRuns    map[string]*wire.JobRun           `json:"jobRuns"`
	Operations map[string]*googleapi.Operation   `json:"operations"`
	Requests   map[string]request                `json:"requests"` // by request id
	Plans      map[string]*plan                  `json:"plans"`    // by rollout: how it will go
	kit.Count
}

// request is a request that was answered with an operation.
type request struct {
	Operation string    `json:"operation"`
	Time      time.Time `json:"time"`
}

// plan is what will happen to a rollout that the API does not show.
type plan struct {
	FailJob    string `json:"failJob,omitempty"`    // the next run of this job fails
	Hang       bool   `json:"hang,omitempty"`       // the next job never ends
	Resumed    string `json:"resumed,omitempty"`    // when a person last had it go on
	Cancelled  string `json:"cancelled,omitempty"`  // when it was cancelled
	Terminated string `json:"terminated,omitempty"` // when the run of its job was told to end
}

func newState() state {
	return state{
		Pipelines: map[string]*wire.DeliveryPipeline{}, Targets: map[string]*wire.Target{},
		Policies: map[string]*wire.DeployPolicy{}, Releases: map[string]*wire.Release{},
		Rollouts: map[string]*wire.Rollout{}, JobRuns: map[string]*wire.JobRun{},
		Operations: map[string]*googleapi.Operation{}, Requests: map[string]request{}, Plans: map[string]*plan{},
	}
}

// plan is r's, made where there was none.
func (s *state) plan(r *wire.Rollout) *plan {
	if s.Plans[r.Name] == nil {
		s.Plans[r.Name] = &plan{}
	}
	return s.Plans[r.Name]
}

// moment is the state at a time: what the API's rules work on.
type moment struct {
	*state
	now time.Time
	job time.Duration // how long a job takes
}

// stamp is the time as the API writes it.
func (m moment) stamp() string { return stamp(m.now) }

// stamp is a time as the API writes it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// clock reads a time that stamp wrote; the zero time for "".
func clock(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// seal gives a resource the checksum of what it is now. etag is its own.
func seal(resource any, etag *string) {
	*etag = ""
	data, err := json.Marshal(resource)
	if err != nil {
		return
	}
	*etag = kit.Hash(8, string(data))
}

// made is what the server gives to a resource.
func made(name string, at time.Time) wire.Resource {
	return wire.Resource{Name: name, UID: uid(name), CreateTime: stamp(at)}
}

// uid is a unique id for the name.
func uid(name string) string { return kit.Hash(16, name) }

// parent is the name of the resource that owns name.
func parent(name string) string {
	parts := strings.Split(name, "/")
	return strings.Join(parts[:max(len(parts)-2, 0)], "/")
}

// locationOf is the projects/P/locations/L that name lies in.
func locationOf(name string) string { return kit.First(name, 4) }
