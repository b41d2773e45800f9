package clouddeploy

import (
	"encoding/json"

	"sluice/internal/sandbox/clouddeploy/wire"
	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

type call = googleapi.Call

// methods are the methods of the API.
func (e *Emulator) methods() googleapi.Methods {
	const (
		pipelines = "deliveryPipelines"
		releases  = pipelines + "/*/releases"
		rollouts  = releases + "/*/rollouts"
		runs      = rollouts + "/*/jobRuns"
	)
	all := googleapi.Methods{
		"POST " + pipelines + "/*:rollbackTarget": {Serve: taking(e.rollbackTarget)},
		"POST " + releases + "/*:abandon":         {Serve: taking(e.abandonRelease)},
		"POST " + rollouts + "/*:approve":         {Serve: taking(e.approveRollout)},
		"POST " + rollouts + "/*:advance":         {Serve: taking(e.advanceRollout)},
		"POST " + rollouts + "/*:cancel":          {Serve: taking(e.cancelRollout)},
		"POST " + rollouts + "/*:retryJob":        {Serve: taking(e.retryJob)},
		"POST " + rollouts + "/*:ignoreJob":       {Serve: taking(e.ignoreJob)},
		"POST " + runs + "/*:terminate":           {Serve: taking(e.terminateJobRun)},
		"GET operations/*":                        {Serve: googleapi.Get(&e.State.Operations, googleapi.Whole)},
	}
	patch := []string{"updateMask", "requestId", "validateOnly", "allowMissing"}
	all["PATCH "+pipelines+"/*"] = googleapi.Method{Query: patch, Serve: googleapi.Taking(e.patchPipeline)}
	all["PATCH targets/*"] = googleapi.Method{Query: patch, Serve: googleapi.Taking(e.patchTarget)}
	serveCollection(e, all, pipelines, &e.State.Pipelines, "deliveryPipelineId", e.createPipeline)
	serveCollection(e, all, "targets", &e.State.Targets, "targetId", e.createTarget)
	serveCollection(e, all, "deployPolicies", &e.State.Policies, "deployPolicyId", e.createPolicy)
	serveCollection(e, all, releases, &e.State.Releases, "releaseId", e.createRelease, "overrideDeployPolicy")
	serveCollection(e, all, rollouts, &e.State.Rollouts, "rolloutId", e.createRollout, "overrideDeployPolicy", "startingPhaseId")
	serveCollection[wire.JobRun](e, all, runs, &e.State.JobRuns, "", nil)
	return all
}

// serveCollection adds the methods of a collection: read one, list them, and make one
// where create is not nil. id is the query parameter that names what is made, more are
// those beside it.
func serveCollection[R any](e *Emulator, all googleapi.Methods, path string, kept *map[string]*R, id string, create func(c *call, name string, r *R) (any, error), more ...string) {
	collection := kit.Last(path)
	list := googleapi.List(kept, collection, &e.Pages, googleapi.Whole)
	all["GET "+path+"/*"] = googleapi.Method{Serve: googleapi.Get(kept, googleapi.Whole)}
	all["GET "+path] = googleapi.Method{Query: []string{"filter", "orderBy", "pageSize", "pageToken"}, Serve: func(c *call) (any, error) {
		if err := e.parentExists(c.Name); err != nil {
			return nil, err
		}
		return list(c)
	}}
	if create == nil {
		return
	}
	all["POST "+path] = googleapi.Method{Query: append(more, id, "requestId", "validateOnly"), Serve: googleapi.Taking(func(c *call, r *R) (any, error) {
		if known, err := e.repeated(c); known != nil || err != nil {
			return known, err
		}
		name := c.Name + "/" + collection + "/" + c.Param(id)
		switch {
		case !resourceID().MatchString(c.Param(id)):
			return nil, googleapi.Invalid("Invalid %s %q: must match [a-z]([a-z0-9-]{0,61}[a-z0-9])?", id, c.Param(id))
		case (*kept)[name] != nil:
			return nil, googleapi.Exists(name)
		}
		return create(c, name, r)
	})}
}

// taking is a verb that reads a body of its own type. Clients that are made of the
// protocol's own files send the whole request, with the name that the path has too.
func taking[In any](serve func(*call, *In) (any, error)) googleapi.Serve {
	inner := googleapi.Taking(serve)
	return func(c *call) (any, error) {
		c.Body = withoutName(c)
		return inner(c)
	}
}

// withoutName is the body of a verb without the name that the path has too.
func withoutName(c *call) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.Body, &fields) != nil {
		return c.Body
	}
	var name string
	if json.Unmarshal(fields["name"], &name) != nil || name != c.Name {
		return c.Body
	}
	delete(fields, "name")
	body, err := json.Marshal(fields)
	if err != nil {
		return c.Body
	}
	return body
}
