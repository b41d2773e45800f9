package inframanager

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// deployment is what the driver must know of one.
type deployment struct {
	Name           string    `json:"name"`
	State          string    `json:"state"`
	StateDetail    string    `json:"stateDetail"`
	ErrorCode      string    `json:"errorCode"`
	LatestRevision string    `json:"latestRevision"`
	LockState      string    `json:"lockState"`
	ServiceAccount string    `json:"serviceAccount"`
	WorkerPool     string    `json:"workerPool"`
	Artifacts      string    `json:"artifactsGcsBucket"`
	Blueprint      blueprint `json:"terraformBlueprint"`
}

// The states of a deployment. Any other is of a later version: what has it is taken
// for busy.
const (
	creating  = "CREATING"
	active    = "ACTIVE"
	failed    = "FAILED"
	suspended = "SUSPENDED"
	deleted   = "DELETED"
)

// revisionFailed is what a deployment says whose newest revision failed.
const revisionFailed = "REVISION_FAILED"

// revision is what the driver must know of one.
type revision struct {
	Name        string             `json:"name"`
	CreateTime  string             `json:"createTime"`
	UpdateTime  string             `json:"updateTime"`
	Action      string             `json:"action"`
	State       string             `json:"state"`
	StateDetail string             `json:"stateDetail"`
	ErrorCode   string             `json:"errorCode"`
	Errors      []terraformProblem `json:"tfErrors"`
	ErrorLogs   string             `json:"errorLogs"`
	Logs        string             `json:"logs"`
	Build       string             `json:"build"`
	Blueprint   blueprint          `json:"terraformBlueprint"`
}

// The states of a revision.
const (
	applying = "APPLYING"
	applied  = "APPLIED"
)

// id is the revision's, "r-3".
func (r *revision) id() string { return google.Last(r.Name) }

// release is the revision's source. What has none passed no rule.
func (r *revision) release() string {
	s, err := r.Blueprint.source()
	if err != nil {
		return ""
	}
	return s.String()
}

// number is a revision's place in the row, -1 for none: r-10 comes after r-9.
func number(id string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(google.Last(id), "r-"))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// problems are why a revision failed, every one.
func (r *revision) problems() []driver.Problem {
	where := "revision " + r.id()
	var all []driver.Problem
	for _, e := range r.Errors {
		all = append(all, e.readable(where))
	}
	about := cmp.Or(r.StateDetail, "no reason is given")
	for _, log := range []string{cmp.Or(r.ErrorLogs, r.Logs), r.Build} {
		if log != "" {
			about += "; see " + log
		}
	}
	return append(all, driver.Problem{Code: cmp.Or(r.ErrorCode, revisionFailed), Location: where, Message: about})
}

// terraformProblem is an error of Terraform's.
type terraformProblem struct {
	Address     string  `json:"resourceAddress"`
	Status      int     `json:"httpResponseCode"`
	Description string  `json:"errorDescription"`
	Error       *status `json:"error"`
}

func (p terraformProblem) readable(where string) driver.Problem {
	r := driver.Problem{Location: cmp.Or(p.Address, where), Message: p.Description}
	if p.Status != 0 {
		r.Code = strconv.Itoa(p.Status)
	}
	if r.Message == "" && p.Error != nil {
		r.Message = p.Error.Message
	}
	r.Message = cmp.Or(r.Message, "no message is given")
	return r
}

// status is google.rpc.Status.
type status struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// preview is what the driver must know of one.
type preview struct {
	Name        string             `json:"name"`
	State       string             `json:"state"`
	Deployment  string             `json:"deployment"`
	ErrorCode   string             `json:"errorCode"`
	ErrorStatus *status            `json:"errorStatus"`
	Errors      []terraformProblem `json:"tfErrors"`
	ErrorLogs   string             `json:"errorLogs"`
	Logs        string             `json:"logs"`
	Blueprint   blueprint          `json:"terraformBlueprint"`
}

// The states of a preview.
const (
	previewReady  = "SUCCEEDED"
	previewStale  = "STALE"
	previewFailed = "FAILED"
	previewGone   = "DELETED"
)

// lockFailed is what a preview says that found the deployment locked.
const lockFailed = "DEPLOYMENT_LOCK_ACQUIRE_FAILED"

func (p *preview) problems() []driver.Problem {
	where := "preview " + google.Last(p.Name)
	var all []driver.Problem
	for _, e := range p.Errors {
		all = append(all, e.readable(where))
	}
	about := "no reason is given"
	if p.ErrorStatus != nil && p.ErrorStatus.Message != "" {
		about = p.ErrorStatus.Message
	}
	if p.ErrorCode == lockFailed {
		about += "; somebody holds the deployment's lock: `sluice retry-job` makes the preview again when it is free"
	}
	if log := cmp.Or(p.ErrorLogs, p.Logs); log != "" {
		about += "; see " + log
	}
	return append(all, driver.Problem{Code: cmp.Or(p.ErrorCode, "PREVIEW_FAILED"), Location: where, Message: about})
}

// operation is Infrastructure Manager's own long-running work.
type operation struct {
	Name  string `json:"name"`
	Done  bool   `json:"done"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Metadata struct {
		CreateTime string `json:"createTime"`
		EndTime    string `json:"endTime"`
		Target     string `json:"target"`
		Verb       string `json:"verb"`
		Message    string `json:"statusMessage"`
		Deployment *struct {
			Step string `json:"step"`
			Logs string `json:"logs"`
		} `json:"deploymentMetadata"`
		Preview *struct {
			Step string `json:"step"`
			Logs string `json:"logs"`
		} `json:"previewMetadata"`
	} `json:"metadata"`
}

// open is the operation as the contract has it, still at work.
func (o operation) open(c driver.Call) driver.Operation {
	return driver.Operation{
		Call: c, ID: google.Last(o.Name), Kind: o.Metadata.Verb, Status: driver.Running,
		Inserted: google.Clock(o.Metadata.CreateTime), Started: google.Clock(o.Metadata.CreateTime), Ended: google.Clock(o.Metadata.EndTime),
		Results: map[string]driver.Result{c.Changes[0].Target.Name: {Outcome: driver.Open, Data: o.about()}},
	}
}

// about is what the operation says of itself and of what it works on.
func (o operation) about() json.RawMessage {
	about := struct {
		Target string `json:"target,omitempty"`
		Step   string `json:"step,omitempty"`
		Logs   string `json:"logs,omitempty"`
	}{Target: o.Metadata.Target}
	switch m := o.Metadata; {
	case m.Deployment != nil:
		about.Step, about.Logs = m.Deployment.Step, m.Deployment.Logs
	case m.Preview != nil:
		about.Step, about.Logs = m.Preview.Step, m.Preview.Logs
	}
	data, err := json.Marshal(about)
	if err != nil || string(data) == "{}" { // three texts always marshal
		return nil
	}
	return data
}

// problems are why the operation itself failed; nil where it did not.
func (o operation) problems() []driver.Problem {
	if o.Error == nil {
		return nil
	}
	return []driver.Problem{{
		Code: fmt.Sprint(o.Error.Code), Location: "operation " + google.Last(o.Name), Message: cmp.Or(o.Error.Message, "no message is given"),
	}}
}

// failedWith ends an operation for the reasons given.
func failedWith(op driver.Operation, why ...driver.Problem) driver.Operation {
	op.Status = driver.Done
	name := op.Call.Changes[0].Target.Name
	op.Results = map[string]driver.Result{name: {Outcome: driver.Failed, Errors: why, Data: op.Results[name].Data}}
	return op
}
