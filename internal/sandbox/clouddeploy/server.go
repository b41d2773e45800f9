package clouddeploy

import (
	"encoding/json"
	"strconv"

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
	s := &e.State
	all := googleapi.Methods{
		"POST " + pipelines + "/*:rollbackTarget": verb(e, rollbackTarget),
		"POST " + releases + "/*:abandon":         verb(e, abandonRelease),
		"POST " + rollouts + "/*:approve":         onRollout(e, "APPROVE", approveRollout),
		"POST " + rollouts + "/*:advance":         onRollout(e, "ADVANCE", advanceRollout),
		"POST " + rollouts + "/*:cancel":          onRollout(e, "CANCEL", cancelRollout),
		"POST " + rollouts + "/*:retryJob":        onRollout(e, "RETRY_JOB", retryJob),
		"POST " + rollouts + "/*:ignoreJob":       onRollout(e, "IGNORE_JOB", ignoreJob),
		"POST " + runs + "/*:terminate":           verb(e, terminateJobRun),
		"GET operations/*":                        {Serve: googleapi.Get(&s.Operations, kit.Whole)},
	}
	serve(e, all, collection[wire.DeliveryPipeline]{
		kind: "DeliveryPipeline", path: pipelines, kept: &s.Pipelines, id: "deliveryPipelineId", create: filled(moment.fillPipeline),
		changeable: pipelineFields(), changed: moment.changedPipeline, etag: func(p *wire.DeliveryPipeline) string { return p.Etag },
	})
	serve(e, all, collection[wire.Target]{
		kind: "Target", path: "targets", kept: &s.Targets, id: "targetId", create: filled(moment.fillTarget),
		changeable: targetFields(), changed: moment.changedTarget, etag: func(t *wire.Target) string { return t.Etag },
	})
	serve(e, all, collection[wire.DeployPolicy]{kind: "DeployPolicy", path: "deployPolicies", kept: &s.Policies, id: "deployPolicyId", create: newPolicy})
	serve(e, all, collection[wire.Release]{
		kind: "Release", path: releases, kept: &s.Releases, id: "releaseId", create: newRelease, query: []string{"overrideDeployPolicy"},
	})
	serve(e, all, collection[wire.Rollout]{
		kind: "Rollout", path: rollouts, kept: &s.Rollouts, id: "rolloutId", create: newRollout, query: []string{"overrideDeployPolicy", "startingPhaseId"},
	})
	serve(e, all, collection[wire.JobRun]{path: runs, kept: &s.JobRuns})
	return all
}

// verb is a method that reads a body of its own type. Clients that are made of the
// protocol's own files send the whole request, with the name that the path has too.
func verb[In any](e *Emulator, serve func(moment, *call, *In) (any, error)) googleapi.Method {
	inner := kit.Taking(func(c *call, in *In) (any, error) { return serve(e.present(), c, in) })
	return googleapi.Method{Serve: func(c *call) (any, error) {
		c.Body = withoutName(c)
		return inner(c)
	}}
}

// withoutName is the body of a verb without the name that the path has too.
func withoutName(c *call) []byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.Body, &fields) != nil || string(fields["name"]) != strconv.Quote(c.Name) {
		return c.Body
	}
	delete(fields, "name")
	body, err := json.Marshal(fields)
	if err != nil {
		return c.Body
	}
	return body
}
