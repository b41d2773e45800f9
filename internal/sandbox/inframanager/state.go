package inframanager

import (
	"encoding/json"
	"fmt"
	"reflect"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// The states of deployments, revisions and previews.
//
// docs/platforms.md: "States: CREATING, ACTIVE, UPDATING, DELETING, FAILED, SUSPENDED, DELETED. A revision's: APPLYING, APPLIED, FAILED"
const (
	creating  = "CREATING"
	active    = "ACTIVE"
	updating  = "UPDATING"
	failed    = "FAILED"
	applying  = "APPLYING"
	applied   = "APPLIED"
	succeeded = "SUCCEEDED"
	stale     = "STALE"
	locked    = "LOCKED"
	unlocked  = "UNLOCKED"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Locations   []string               `json:"locations"`   // "projects/P/locations/L" that are known
	Deployments map[string]*deployment `json:"deployments"` // by resource name, as everything here
	Previews    map[string]*preview    `json:"previews"`
	Operations  map[string]*operation  `json:"operations"`
	Requests    map[string]string      `json:"requests"` // operations by the id of the request that began them
	kit.Count
}

// deployment is a deployment with its revisions, oldest first.
type deployment struct {
	API       deploymentAPI  `json:"deployment"`
	Revisions []*revisionAPI `json:"revisions"`
	Lock      *lockAPI       `json:"lock,omitempty"`
	Working   string         `json:"working,omitempty"` // the operation at work
}

// deploymentAPI is a deployment as the API has it.
type deploymentAPI struct {
	Name           string            `json:"name"`
	CreateTime     string            `json:"createTime,omitempty"`
	UpdateTime     string            `json:"updateTime,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	Annotations    map[string]string `json:"annotations,omitempty"`
	State          string            `json:"state,omitempty"`
	StateDetail    string            `json:"stateDetail,omitempty"`
	ErrorCode      string            `json:"errorCode,omitempty"`
	LatestRevision string            `json:"latestRevision,omitempty"`
	LockState      string            `json:"lockState,omitempty"`
	ServiceAccount string            `json:"serviceAccount,omitempty"`
	WorkerPool     string            `json:"workerPool,omitempty"`
	Artifacts      string            `json:"artifactsGcsBucket,omitempty"`
	Import         bool              `json:"importExistingResources,omitempty"`
	Constraint     string            `json:"tfVersionConstraint,omitempty"`
	Quota          string            `json:"quotaValidation,omitempty"`
	Blueprint      blueprint         `json:"terraformBlueprint"`
}

// revisionAPI is a revision as the API has it.
type revisionAPI struct {
	Name           string         `json:"name"`
	CreateTime     string         `json:"createTime"`
	UpdateTime     string         `json:"updateTime"`
	Action         string         `json:"action"`
	State          string         `json:"state"`
	StateDetail    string         `json:"stateDetail,omitempty"`
	ErrorCode      string         `json:"errorCode,omitempty"`
	Errors         []terraformAPI `json:"tfErrors,omitempty"`
	ErrorLogs      string         `json:"errorLogs,omitempty"`
	Logs           string         `json:"logs,omitempty"`
	Build          string         `json:"build,omitempty"`
	ServiceAccount string         `json:"serviceAccount,omitempty"`
	Blueprint      blueprint      `json:"terraformBlueprint"`
}

// terraformAPI is an error of Terraform's.
type terraformAPI struct {
	Address     string `json:"resourceAddress,omitempty"`
	Status      int    `json:"httpResponseCode,omitempty"`
	Description string `json:"errorDescription,omitempty"`
}

// blueprint is what is applied: a source and what it is given.
type blueprint struct {
	GCS      string                     `json:"gcsSource,omitempty"`
	Git      *gitSource                 `json:"gitSource,omitempty"`
	Inputs   map[string]variable        `json:"inputValues,omitempty"`
	External map[string]json.RawMessage `json:"externalValues,omitempty"`
}

type gitSource struct {
	Repo      string `json:"repo,omitempty"`
	Directory string `json:"directory,omitempty"`
	Ref       string `json:"ref,omitempty"`
}

type variable struct {
	Value any `json:"inputValue"`
}

// same reports whether two blueprints have the same source and are given the same.
func (b blueprint) same(other blueprint) bool {
	return b.source() == other.source() && (len(b.Inputs) == 0 && len(other.Inputs) == 0 || reflect.DeepEqual(b.Inputs, other.Inputs))
}

func (b blueprint) source() string {
	if b.Git != nil {
		return b.Git.Repo + "\n" + b.Git.Directory + "\n" + b.Git.Ref
	}
	return b.GCS
}

// lockAPI is who holds a deployment's state.
//
// docs/platforms.md: "`lockId` is an int64 as a string."
type lockAPI struct {
	ID         int64  `json:"lockId,string"`
	Operation  string `json:"operation,omitempty"`
	Info       string `json:"info,omitempty"`
	Who        string `json:"who,omitempty"`
	Version    string `json:"version,omitempty"`
	CreateTime string `json:"createTime,omitempty"`
}

// preview is a preview as the API has it, and what it was made on.
type preview struct {
	previewAPI
	On string `json:"on"` // the deployment's newest revision then
}

type previewAPI struct {
	Name           string            `json:"name"`
	CreateTime     string            `json:"createTime"`
	State          string            `json:"state"`
	Deployment     string            `json:"deployment,omitempty"`
	Mode           string            `json:"previewMode,omitempty"`
	ServiceAccount string            `json:"serviceAccount,omitempty"`
	WorkerPool     string            `json:"workerPool,omitempty"`
	Artifacts      string            `json:"artifactsGcsBucket,omitempty"`
	ErrorCode      string            `json:"errorCode,omitempty"`
	ErrorStatus    *googleapi.Status `json:"errorStatus,omitempty"`
	Logs           string            `json:"logs,omitempty"`
	Build          string            `json:"build,omitempty"`
	Labels         labels            `json:"labels,omitempty"`
	Annotations    labels            `json:"annotations,omitempty"`
	Blueprint      blueprint         `json:"terraformBlueprint"`
}

type labels map[string]string

// operation is an operation as the API has it, and what it will do.
type operation struct {
	API googleapi.Operation `json:"operation"`
	kit.Work
}

func newState() state {
	return state{
		Locations: []string{}, Deployments: map[string]*deployment{}, Previews: map[string]*preview{},
		Operations: map[string]*operation{}, Requests: map[string]string{},
	}
}

// revise adds a revision.
//
// docs/platforms.md: "Revisions are r-0, r-1, … (gcloud takes the number out of the name)"
func (e *Emulator) revise(d *deployment, b blueprint) *revisionAPI {
	action := "UPDATE"
	if len(d.Revisions) == 0 {
		action = "CREATE"
	}
	r := &revisionAPI{
		Name: fmt.Sprintf("%s/revisions/r-%d", d.API.Name, len(d.Revisions)), CreateTime: e.stamp(), UpdateTime: e.stamp(),
		Action: action, State: applying, ServiceAccount: d.API.ServiceAccount, Blueprint: b,
		Build: fmt.Sprintf("build-%04d", e.State.Next()),
	}
	r.Logs = "gs://sandbox-blueprint-config/" + r.Build
	d.Revisions = append(d.Revisions, r)
	return r
}

// stamp is the time as the API writes it.
func (e *Emulator) stamp() string { return e.Now().UTC().Format("2006-01-02T15:04:05.000000000Z") }
