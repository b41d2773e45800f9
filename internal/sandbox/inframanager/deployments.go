package inframanager

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// deployment is the one that a call is about, or about a part of.
func (e *Emulator) deployment(c *call) (*deployment, error) {
	return googleapi.Find(e.State.Deployments, resourceIn(c.Name))
}

func (d *deployment) shown() any { return d.API }

// listRevisions lists a deployment's revisions, newest first.
func (e *Emulator) listRevisions(sizes *googleapi.Sizes) func(*call, *deployment) (any, error) {
	return func(c *call, d *deployment) (any, error) {
		all := slices.Clone(d.Revisions)
		slices.Reverse(all)
		return googleapi.Listed(c, "revisions", sizes, all)
	}
}

func (e *Emulator) getRevision(c *call, d *deployment) (any, error) {
	if r := kit.Find(d.Revisions, func(r *revisionAPI) bool { return r.Name == c.Name }); r != nil {
		return r, nil
	}
	return nil, googleapi.NotFound(c.Name)
}

// createDeployment makes a deployment.
//
// docs/platforms.md: "`serviceAccount` is required to make a deployment"
func (e *Emulator) createDeployment(c *call, in *deploymentAPI) (any, error) {
	id := c.Param("deploymentId")
	name := c.Name + "/deployments/" + id
	switch {
	case !googleapi.IsID(id):
		return nil, googleapi.Invalid("Invalid deployment id '%s'", id)
	case in.ServiceAccount == "":
		return nil, googleapi.Invalid("service_account is required")
	case e.State.Deployments[name] != nil:
		return nil, googleapi.Exists(name)
	}
	if err := in.Blueprint.check(); err != nil {
		return nil, err
	}
	d := &deployment{API: *in}
	d.API.Name, d.API.CreateTime, d.API.LockState = name, e.stamp(), unlocked
	e.State.Deployments[name] = d
	return e.apply(c, d, creating, in.Blueprint), nil
}

// updateDeployment applies a blueprint, and whatever else is in the mask.
//
// docs/platforms.md: "A field will be overwritten if it is in the mask."
func (e *Emulator) updateDeployment(c *call, d *deployment, in *deploymentAPI) (any, error) {
	if err := d.free(); err != nil {
		return nil, err
	}
	next, err := googleapi.Masked(&d.API, in, cmp.Or(c.Param("updateMask"), "*"), []string{
		"labels", "annotations", "serviceAccount", "workerPool", "importExistingResources", "tfVersionConstraint", "quotaValidation", "terraformBlueprint",
	})
	if err != nil {
		return nil, err
	}
	if err := next.Blueprint.check(); err != nil {
		return nil, err
	}
	d.API = *next
	return e.apply(c, d, updating, next.Blueprint), nil
}

// check refuses a blueprint without just one source.
func (b blueprint) check() error {
	git := b.Git != nil && b.Git.Repo != ""
	switch {
	case b.GCS != "" && git:
		return googleapi.Invalid("terraform_blueprint: only one source can be set")
	case b.GCS == "" && !git:
		return googleapi.Invalid("terraform_blueprint: a source is required")
	case !git && !strings.HasPrefix(b.GCS, "gs://"):
		return googleapi.Invalid("Invalid gcs_source '%s': must have the format gs://{bucket}/{object}", b.GCS)
	}
	return nil
}

// free is nil where an update may begin.
//
// docs/platforms.md: "a 400 or 409 that says so is taken for it"
func (d *deployment) free() error {
	switch {
	case d.API.State != active && d.API.State != failed:
		return kit.Errorf(http.StatusConflict, "ABORTED", "unable to queue the operation: deployment is in state %s", d.API.State)
	case d.API.LockState != unlocked:
		return googleapi.Precondition("deployment '%s' is locked", d.API.Name)
	}
	return nil
}

// apply begins to apply a blueprint.
func (e *Emulator) apply(c *call, d *deployment, as string, b blueprint) any {
	d.API.State, d.API.StateDetail, d.API.ErrorCode, d.API.UpdateTime = as, "", "", e.stamp()
	e.revise(d, b)
	for name, p := range e.State.Previews {
		// docs/platforms.md: "are automatically deleted if they target a deployment and that deployment is updated or deleted"
		if p.Deployment == d.API.Name {
			delete(e.State.Previews, name)
		}
	}
	verb := map[string]string{creating: "create", updating: "update"}[as]
	op := e.begin(c, d.API.Name, verb)
	d.Working = op.API.Name
	return op.API
}

// applied ends what apply began. A failure leaves what was applied before.
//
// docs/platforms.md: "after an operation that is `done` without `error` the deployment may be FAILED with `stateDetail`"
func (e *Emulator) applied(op *operation, d *deployment) {
	r := kit.Newest(d.Revisions)
	d.Working, d.API.UpdateTime, r.UpdateTime = "", e.stamp(), e.stamp()
	switch op.Fault {
	case FaultAbort:
		op.API.Error = &googleapi.Status{Code: 13, Message: "an internal error has occurred while queueing the build"}
		d.fail("REVISION_FAILED", "the update did not begin")
		r.State, r.StateDetail = failed, "the update did not begin"
	case FaultFail:
		r.State, r.ErrorCode, r.StateDetail = failed, "APPLY_BUILD_RUN_FAILED", "Terraform apply failed"
		r.ErrorLogs = r.Logs + "/tf-error.ndjson"
		r.Errors = []terraformAPI{
			{Address: "google_compute_network.vpc_network", Status: 403, Description: "Error creating Network: googleapi: Error 403: Required 'compute.networks.create' permission, forbidden"},
			{Description: "Error: Unsupported attribute"},
		}
		d.fail("REVISION_FAILED", "revision "+kit.Last(r.Name)+" failed: Terraform apply failed")
	default:
		r.State, d.API.State, d.API.LatestRevision = applied, active, r.Name
	}
	op.API.Response = answer(d.API)
}

func (d *deployment) fail(code, detail string) {
	d.API.State, d.API.ErrorCode, d.API.StateDetail = failed, code, detail
}

// lock takes a deployment's state for a person.
func (e *Emulator) lock(c *call, d *deployment, _ *struct{}) (any, error) {
	if err := d.free(); err != nil {
		return nil, err
	}
	e.hold(d, "sandbox@example.com")
	return e.done(c, d.API.Name, "lock", d.API), nil
}

// hold locks a deployment.
func (e *Emulator) hold(d *deployment, who string) {
	d.API.LockState = locked
	d.Lock = &lockAPI{ID: int64(1_700_000_000_000_000 + e.State.Next()), Operation: "lock", Who: who, CreateTime: e.stamp()}
}

type unlocking struct {
	ID int64 `json:"lockId,string"`
}

func (e *Emulator) unlock(c *call, d *deployment, in *unlocking) (any, error) {
	if d.Lock == nil || d.Lock.ID != in.ID {
		return nil, googleapi.Precondition("lock id %d does not match", in.ID)
	}
	d.API.LockState, d.Lock = unlocked, nil
	return e.done(c, d.API.Name, "unlock", d.API), nil
}

func (e *Emulator) exportLock(_ *call, d *deployment) (any, error) {
	if d.Lock == nil {
		return nil, googleapi.Precondition("deployment '%s' is not locked", d.API.Name)
	}
	return d.Lock, nil
}

// answer is a resource as an operation's response.
func answer(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data
	}
	return data
}
