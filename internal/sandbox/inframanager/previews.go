package inframanager

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (e *Emulator) preview(c *call) (*preview, error) {
	parts := strings.SplitN(c.name, "/", 7)
	if p, ok := e.state.Previews[strings.Join(parts[:6], "/")]; ok {
		return p, nil
	}
	return nil, notFound(c.name)
}

func (e *Emulator) getPreview(c *call) (any, error) {
	p, err := e.preview(c)
	if err != nil {
		return nil, err
	}
	return p.previewAPI, nil
}

func (e *Emulator) listPreviews(c *call) (any, error) {
	var all []previewAPI
	for _, name := range slices.Sorted(maps.Keys(e.state.Previews)) {
		if strings.HasPrefix(name, c.location+"/") {
			all = append(all, e.state.Previews[name].previewAPI)
		}
	}
	return listed(c, "previews", all)
}

// createPreview begins a preview. What it leaves out is the deployment's.
func (e *Emulator) createPreview(c *call) (any, error) {
	if op := e.repeated(c); op != nil {
		return op.API, nil
	}
	var in previewAPI
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	d := e.state.Deployments[in.Deployment]
	id := cmp.Or(c.query("previewId"), fmt.Sprintf("im-preview-%06d", e.state.Made))
	name := c.location + "/previews/" + id
	switch {
	case !resourceID().MatchString(id):
		return nil, invalid("Invalid preview id '%s'", id)
	case e.state.Previews[name] != nil:
		return nil, refusal(http.StatusConflict, "ALREADY_EXISTS", "Resource '%s' already exists", name)
	case in.Deployment != "" && d == nil:
		return nil, notFound(in.Deployment)
	}
	p := &preview{previewAPI: in}
	p.Name, p.CreateTime, p.State, p.Mode = name, e.stamp(), creating, cmp.Or(in.Mode, "DEFAULT")
	if d != nil {
		if p.Blueprint.source() == "" {
			p.Blueprint = d.API.Blueprint
		}
		p.ServiceAccount = cmp.Or(p.ServiceAccount, d.API.ServiceAccount)
		p.On = d.newest().Name
	}
	if p.ServiceAccount == "" {
		return nil, invalid("service_account is required")
	}
	if err := p.Blueprint.check(); err != nil {
		return nil, err
	}
	e.state.Previews[name] = p
	return e.begin(c, name, "create").API, nil
}

// previewed ends a preview.
func (e *Emulator) previewed(op *operation, p *preview) {
	p.State, p.Build = succeeded, fmt.Sprintf("build-%04d", e.state.next())
	d := e.state.Deployments[p.Deployment]
	switch {
	case op.Fault == string(FaultAbort):
		op.API.Error = &status{Code: 13, Message: "an internal error has occurred while queueing the build"}
		p.State = failed
	case op.Fault == string(FaultFail):
		p.State, p.ErrorCode = failed, "PREVIEW_BUILD_RUN_FAILED"
		p.ErrorStatus = &status{Code: 9, Message: "Terraform plan failed"}
	case d != nil && d.API.LockState != unlocked:
		// docs/platforms.md: "A preview that cannot lock has the errorCode DEPLOYMENT_LOCK_ACQUIRE_FAILED."
		p.State, p.ErrorCode = failed, "DEPLOYMENT_LOCK_ACQUIRE_FAILED"
		p.ErrorStatus = &status{Code: 9, Message: "the deployment is locked"}
	}
	op.API.Response = answer(p.previewAPI)
}

// deletePreview deletes a preview at once.
func (e *Emulator) deletePreview(c *call) (any, error) {
	if op := e.repeated(c); op != nil {
		return op.API, nil
	}
	p, err := e.preview(c)
	if err != nil {
		return nil, err
	}
	delete(e.state.Previews, p.Name)
	op := e.begin(c, p.Name, "delete")
	op.API.Done, op.API.Response = true, answer(p.previewAPI)
	return op.API, nil
}

// listChanges says what a preview would do.
//
// docs/platforms.md: "`…/resourceChanges` with `intent` CREATE, UPDATE, DELETE, RECREATE, UNCHANGED"
func (e *Emulator) listChanges(c *call) (any, error) {
	p, err := e.preview(c)
	if err != nil {
		return nil, err
	}
	type info struct {
		Address string   `json:"address"`
		Type    string   `json:"type"`
		Name    string   `json:"resourceName"`
		Actions []string `json:"actions"`
	}
	type change struct {
		Name   string `json:"name"`
		Intent string `json:"intent"`
		Info   info   `json:"terraformInfo"`
	}
	var all []change
	if p.State == succeeded || p.State == stale {
		all = []change{
			{p.Name + "/resourceChanges/1", "UPDATE", info{"google_compute_instance.vm", "google_compute_instance", "vm", []string{"update"}}},
			{p.Name + "/resourceChanges/2", "RECREATE", info{"google_compute_disk.data", "google_compute_disk", "data", []string{"delete", "create"}}},
		}
	}
	return listed(c, "resourceChanges", all)
}
