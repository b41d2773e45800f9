package inframanager

import (
	"cmp"
	"fmt"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// preview is the one that a call is about, or about a part of.
func (e *Emulator) preview(c *call) (*preview, error) {
	return googleapi.Find(e.State.Previews, resourceIn(c.Name))
}

func (p *preview) shown() any { return p.previewAPI }

// createPreview begins a preview. What it leaves out is the deployment's.
func (e *Emulator) createPreview(c *call, in *previewAPI) (any, error) {
	d := e.State.Deployments[in.Deployment]
	id := cmp.Or(c.Param("previewId"), fmt.Sprintf("im-preview-%06d", e.State.Made))
	name := c.Name + "/previews/" + id
	switch {
	case !googleapi.IsID(id):
		return nil, googleapi.Invalid("Invalid preview id '%s'", id)
	case e.State.Previews[name] != nil:
		return nil, googleapi.Exists(name)
	case in.Deployment != "" && d == nil:
		return nil, googleapi.NotFound(in.Deployment)
	}
	p := &preview{previewAPI: *in}
	p.Name, p.CreateTime, p.State, p.Mode = name, e.stamp(), creating, cmp.Or(in.Mode, "DEFAULT")
	if d != nil {
		if p.Blueprint.source() == "" {
			p.Blueprint = d.API.Blueprint
		}
		p.ServiceAccount = cmp.Or(p.ServiceAccount, d.API.ServiceAccount)
		p.On = kit.Newest(d.Revisions).Name
	}
	if p.ServiceAccount == "" {
		return nil, googleapi.Invalid("service_account is required")
	}
	if err := p.Blueprint.check(); err != nil {
		return nil, err
	}
	e.State.Previews[name] = p
	return e.begin(c, name, "create").API, nil
}

// previewed ends a preview.
func (e *Emulator) previewed(op *operation, p *preview) {
	p.State, p.Build = succeeded, fmt.Sprintf("build-%04d", e.State.Next())
	d := e.State.Deployments[p.Deployment]
	switch {
	case op.Fault == FaultAbort:
		op.API.Error = &googleapi.Status{Code: 13, Message: "an internal error has occurred while queueing the build"}
		p.State = failed
	case op.Fault == FaultFail:
		p.State, p.ErrorCode = failed, "PREVIEW_BUILD_RUN_FAILED"
		p.ErrorStatus = &googleapi.Status{Code: 9, Message: "Terraform plan failed"}
	case d != nil && d.API.LockState != unlocked:
		// docs/platforms.md: "A preview that cannot lock has the errorCode DEPLOYMENT_LOCK_ACQUIRE_FAILED."
		p.State, p.ErrorCode = failed, "DEPLOYMENT_LOCK_ACQUIRE_FAILED"
		p.ErrorStatus = &googleapi.Status{Code: 9, Message: "the deployment is locked"}
	}
	op.API.Response = answer(p.previewAPI)
}

// deletePreview deletes a preview at once.
func (e *Emulator) deletePreview(c *call, p *preview) (any, error) {
	delete(e.State.Previews, p.Name)
	return e.done(c, p.Name, "delete", p.previewAPI), nil
}

// listChanges says what a preview would do.
//
// docs/platforms.md: "`…/resourceChanges` with `intent` CREATE, UPDATE, DELETE, RECREATE, UNCHANGED"
func (e *Emulator) listChanges(sizes *googleapi.Sizes) func(*call, *preview) (any, error) {
	return func(c *call, p *preview) (any, error) {
		return googleapi.Listed(c, "resourceChanges", sizes, p.changes())
	}
}

// change is what would become of one resource.
type change struct {
	Name   string `json:"name"`
	Intent string `json:"intent"`
	Info   info   `json:"terraformInfo"`
}

type info struct {
	Address string   `json:"address"`
	Type    string   `json:"type"`
	Name    string   `json:"resourceName"`
	Actions []string `json:"actions"`
}

func (p *preview) changes() []change {
	if p.State != succeeded && p.State != stale {
		return nil
	}
	return []change{
		{p.Name + "/resourceChanges/1", "UPDATE", info{"google_compute_instance.vm", "google_compute_instance", "vm", []string{"update"}}},
		{p.Name + "/resourceChanges/2", "RECREATE", info{"google_compute_disk.data", "google_compute_disk", "data", []string{"delete", "create"}}},
	}
}
