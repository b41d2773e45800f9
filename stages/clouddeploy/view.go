package clouddeploy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// view is what the driver must know of a rollout. Everything else stays in the
// verbatim text; job kinds that Cloud Deploy adds are jobs like all others.
type view struct {
	Name               string            `json:"name"`
	TargetID           string            `json:"targetId"`
	State              string            `json:"state"`
	ApprovalState      string            `json:"approvalState"`
	FailureReason      string            `json:"failureReason"`
	DeployFailureCause string            `json:"deployFailureCause"`
	DeployingBuild     string            `json:"deployingBuild"`
	Etag               string            `json:"etag"`
	Metadata           json.RawMessage   `json:"metadata"`
	Annotations        map[string]string `json:"annotations"`
	Phases             []phase           `json:"phases"`
}

type phase struct {
	ID             string                     `json:"id"`
	State          string                     `json:"state"`
	SkipMessage    string                     `json:"skipMessage"`
	DeploymentJobs map[string]json.RawMessage `json:"deploymentJobs"`
	ChildJobs      map[string]json.RawMessage `json:"childRolloutJobs"`
}

type job struct {
	ID            string  `json:"id"`
	State         string  `json:"state"`
	JobRun        string  `json:"jobRun"`
	PredeployJob  actions `json:"predeployJob"`
	PostdeployJob actions `json:"postdeployJob"`
}

// actions are the custom actions of a hook.
type actions struct {
	Actions []string `json:"actions"`
}

func (j job) actions() []string {
	return append(slices.Clone(j.PredeployJob.Actions), j.PostdeployJob.Actions...)
}

// metadata is what the rollout did where it runs (a Cloud Run service and its
// revision, automation), as Cloud Deploy says it; nil for nothing.
func (v view) metadata() json.RawMessage {
	if len(v.Metadata) == 0 || string(v.Metadata) == "null" || string(v.Metadata) == "{}" {
		return nil
	}
	data, err := json.Marshal(map[string]json.RawMessage{"metadata": v.Metadata})
	if err != nil { // read as JSON a moment ago
		return nil
	}
	return data
}

// viewOf reads a rollout's text.
func viewOf(raw json.RawMessage) (view, error) {
	var v view
	err := json.Unmarshal(raw, &v)
	return v, err
}

// order is where a job stands in its phase; kinds that are not known come last.
func order(kind string) int {
	known := []string{"predeployJob", "deployJob", "verifyJob", "analysisJob", "postdeployJob", "createRolloutJobs", "advanceRolloutJobs"}
	if i := slices.Index(known, kind); i >= 0 {
		return i
	}
	return len(known)
}

// jobs lists a phase's jobs in the order in which they run.
func (p phase) jobs() []job {
	all := maps.Clone(p.DeploymentJobs)
	if all == nil {
		all = map[string]json.RawMessage{}
	}
	maps.Copy(all, p.ChildJobs)
	kinds := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		if n := order(a) - order(b); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	var jobs []job
	for _, kind := range kinds {
		jobs = append(jobs, jobsIn(all[kind])...)
	}
	return jobs
}

// jobsIn reads one job or a list of jobs; something else is none.
func jobsIn(raw json.RawMessage) []job {
	var one job
	if json.Unmarshal(raw, &one) == nil && one.ID != "" {
		return []job{one}
	}
	var several []job
	if json.Unmarshal(raw, &several) == nil {
		return several
	}
	return nil
}

func (p phase) job(id string) (job, bool) {
	for _, j := range p.jobs() {
		if j.ID == id {
			return j, true
		}
	}
	return job{}, false
}

func (v view) phase(id string) (phase, bool) {
	i := slices.IndexFunc(v.Phases, func(p phase) bool { return p.ID == id })
	if i < 0 {
		return phase{}, false
	}
	return v.Phases[i], true
}

// located is a job and the phase it belongs to.
type located struct {
	phase phase
	job   job
}

// where is the job for people.
func (l located) where() string { return "phase " + l.phase.ID + ", job " + l.job.ID }

// failedJobs lists the jobs that failed, in the order of phases.
func (v view) failedJobs() []located { return v.jobsIn("FAILED") }

// jobsIn lists the jobs in a state, in the order of phases.
func (v view) jobsIn(state string) []located {
	var found []located
	for _, p := range v.Phases {
		for _, j := range p.jobs() {
			if j.State == state {
				found = append(found, located{p, j})
			}
		}
	}
	return found
}

// final reports whether the rollout is over. Unknown states are not.
func (v view) final() bool { return isFinal(v.State) }

func isFinal(state string) bool {
	return slices.Contains([]string{"SUCCEEDED", "FAILED", "CANCELLED", "APPROVAL_REJECTED"}, state)
}

// nextPhase is the phase that waits to be advanced to: the first PENDING one,
// where all before it are over and it is not the first.
func (v view) nextPhase() (phase, bool) {
	if v.State != "IN_PROGRESS" {
		return phase{}, false
	}
	for i, p := range v.Phases {
		switch p.State {
		case "SUCCEEDED", "SKIPPED":
			continue
		case "PENDING":
			return p, i > 0
		default:
			return phase{}, false
		}
	}
	return phase{}, false
}
