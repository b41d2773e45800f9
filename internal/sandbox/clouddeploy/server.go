package clouddeploy

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/googleapi"
)

// call is one request to a method of the API.
type call struct {
	*http.Request
	name  string // of the resource, or of the parent of a collection
	body  []byte
	fault sandbox.FaultKind
}

// query is a parameter's value, "" where it is not given.
func (c *call) query(name string) string { return c.URL.Query().Get(name) }

// validateOnly reports whether a request only asks whether it would be served.
// gcloud writes True.
func validateOnly(r *http.Request) bool {
	asked, err := strconv.ParseBool(r.URL.Query().Get("validateOnly"))
	return err == nil && asked
}

// route is a method of the API: the query parameters it has and what it does.
type route struct {
	query []string
	serve func(*call) (any, error)
}

// list are the query parameters of every list.
func list() []string { return []string{"filter", "orderBy", "pageSize", "pageToken"} }

// table has the methods by HTTP method, collections and verb. A trailing *
// stands for one resource of the last collection.
func (e *Emulator) table() map[string]route {
	const rollout = "deliveryPipelines/releases/rollouts"
	return map[string]route{
		"GET deliveryPipelines/*":                   {nil, e.getPipeline},
		"GET deliveryPipelines":                     {list(), e.listPipelines},
		"POST deliveryPipelines":                    {[]string{"deliveryPipelineId", "requestId", "validateOnly"}, e.createPipeline},
		"PATCH deliveryPipelines/*":                 {[]string{"updateMask", "requestId", "validateOnly", "allowMissing"}, e.patchPipeline},
		"POST deliveryPipelines/*:rollbackTarget":   {nil, e.rollbackTarget},
		"GET targets/*":                             {nil, e.getTarget},
		"GET targets":                               {list(), e.listTargets},
		"POST targets":                              {[]string{"targetId", "requestId", "validateOnly"}, e.createTarget},
		"PATCH targets/*":                           {[]string{"updateMask", "requestId", "validateOnly", "allowMissing"}, e.patchTarget},
		"GET deployPolicies/*":                      {nil, e.getPolicy},
		"GET deployPolicies":                        {list(), e.listPolicies},
		"POST deployPolicies":                       {[]string{"deployPolicyId", "requestId", "validateOnly"}, e.createPolicy},
		"GET deliveryPipelines/releases/*":          {nil, e.getRelease},
		"GET deliveryPipelines/releases":            {list(), e.listReleases},
		"POST deliveryPipelines/releases":           {[]string{"releaseId", "requestId", "validateOnly", "overrideDeployPolicy"}, e.createRelease},
		"POST deliveryPipelines/releases/*:abandon": {nil, e.abandonRelease},
		"GET " + rollout + "/*":                     {nil, e.getRollout},
		"GET " + rollout:                            {list(), e.listRollouts},
		"POST " + rollout:                           {[]string{"rolloutId", "requestId", "startingPhaseId", "validateOnly", "overrideDeployPolicy"}, e.createRollout},
		"POST " + rollout + "/*:approve":            {nil, e.approveRollout},
		"POST " + rollout + "/*:advance":            {nil, e.advanceRollout},
		"POST " + rollout + "/*:cancel":             {nil, e.cancelRollout},
		"POST " + rollout + "/*:retryJob":           {nil, e.retryJob},
		"POST " + rollout + "/*:ignoreJob":          {nil, e.ignoreJob},
		"GET " + rollout + "/jobRuns/*":             {nil, e.getJobRun},
		"GET " + rollout + "/jobRuns":               {list(), e.listJobRuns},
		"POST " + rollout + "/jobRuns/*:terminate":  {nil, e.terminateJobRun},
		"GET operations/*":                          {nil, e.getOperation},
	}
}

// ServeHTTP implements http.Handler.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		writeError(w, invalid("%v", err))
		return
	}
	answer, err := e.answer(&call{Request: r, body: body, fault: sandbox.FaultOf(r)})
	if err != nil {
		writeError(w, err)
		return
	}
	googleapi.WriteJSON(w, http.StatusOK, answer)
}

// answer lets time pass and serves the method that the request names.
func (e *Emulator) answer(c *call) (any, error) {
	key, name, ok := address(c.Request)
	method, served := e.routes[key]
	if !ok || !served {
		return nil, &apiError{http.StatusNotFound, "NOT_FOUND", "the sandbox does not serve " + c.Method + " " + c.URL.Path}
	}
	if err := googleapi.CheckQuery(c.Request, method.query); err != nil {
		return nil, invalid("%v", err)
	}
	e.settle()
	c.name = name
	answer, err := method.serve(c)
	if err == nil {
		e.settle()
	}
	return answer, err
}

// segment is what a resource id may look like in a path; "-" stands for all.
var segment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(-|[a-z0-9]([a-z0-9.:-]{0,62}[a-z0-9])?)$`) })

// address reads /v1/projects/P/locations/L/COLLECTION/ID…[:VERB] as a key of
// the table and the resource's name, the parent's where the path ends with a
// collection.
func address(r *http.Request) (key, name string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	end := &parts[len(parts)-1]
	var verb string
	*end, verb, _ = strings.Cut(*end, ":")
	if len(parts) < 5 || parts[0] != "projects" || parts[2] != "locations" || !strings.HasPrefix(r.URL.Path, "/v1/") {
		return "", "", false
	}
	var collections []string
	for i := 4; i < len(parts); i++ {
		if i%2 == 0 {
			collections = append(collections, parts[i])
		} else if !segment().MatchString(parts[i]) {
			return "", "", false
		}
	}
	key = r.Method + " " + strings.Join(collections, "/")
	if len(parts)%2 == 0 {
		key += "/*"
	} else {
		parts = parts[:len(parts)-1]
	}
	if verb != "" {
		key += ":" + verb
	}
	return key, strings.Join(parts, "/"), true
}

// decode reads the body into one of the API's types.
func (c *call) decode(into any) error {
	if err := googleapi.Decode(c.withoutName(), into); err != nil {
		return invalid("%v", err)
	}
	return nil
}

// withoutName is the body of a verb without the name that the path has too: clients
// that are made of the protocol's own files send the whole request.
func (c *call) withoutName() []byte {
	var fields map[string]json.RawMessage
	if !strings.Contains(c.URL.Path, ":") || json.Unmarshal(c.body, &fields) != nil {
		return c.body
	}
	var name string
	if json.Unmarshal(fields["name"], &name) != nil || name != c.name {
		return c.body
	}
	delete(fields, "name")
	body, err := json.Marshal(fields)
	if err != nil {
		return c.body
	}
	return body
}
