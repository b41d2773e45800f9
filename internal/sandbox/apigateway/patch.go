package apigateway

import (
	"maps"
	"strconv"
	"strings"

	"sluice/internal/sandbox/kit"
)

// patchOperation is one element of a patch document. An absent value is not an
// empty one.
type patchOperation struct {
	Op    string  `json:"op"`
	Path  string  `json:"path"`
	From  string  `json:"from"`
	Value *string `json:"value"` // docs/platforms.md: "values are always strings"
}

// patchDocument is the body of UpdateStage.
type patchDocument struct {
	PatchOperations []patchOperation `json:"patchOperations"`
}

// patched is the stage after the operations. The first one refused refuses
// them all: s itself never changes.
func patched(api *restAPI, s *stage, ops []patchOperation) (*stage, error) {
	next, err := kit.Copy(s)
	if err != nil {
		return nil, err
	}
	// docs/platforms.md: "Operations apply in order"
	for _, op := range ops {
		if err := op.apply(api, next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

func (op patchOperation) apply(api *restAPI, s *stage) error {
	switch op.Op {
	case "copy":
		return op.copyTo(s)
	case "replace":
		if op.Value == nil {
			return badRequest("Invalid patch value specified for path: %s. A value is required", op.Path)
		}
		return op.replaceIn(api, s, *op.Value)
	case "remove":
		return op.removeFrom(s)
	case "add":
		// docs/platforms.md: "access logs take `add` as well as `replace`"
		if parent, _ := splitPath(op.Path); parent == "/accessLogSettings" && op.Value != nil {
			return op.replaceIn(api, s, *op.Value)
		}
		// docs/platforms.md: "`add` on it is a 400"
		return badRequest("Invalid add operation with path: %s", op.Path)
	default:
		return badRequest("Invalid patch operation specified: %s. Must be one of: [add, remove, replace, copy]", op.Op)
	}
}

// copyTo promotes a part of the canary.
//
// docs/platforms.md: "`copy` is valid only to `/deploymentId` or `/variables`"
func (op patchOperation) copyTo(s *stage) error {
	pair := op.From + " " + op.Path
	const deployment, variables = "/canarySettings/deploymentId /deploymentId", "/canarySettings/stageVariableOverrides /variables"
	if pair != deployment && pair != variables {
		return badRequest("Invalid copy operation with path: %s and from %s. Valid copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]", op.Path, op.From)
	}
	// docs/platforms.md: "`copy` alone on a stage with no canary: 400"
	if s.CanarySettings == nil {
		return badRequest("Promotion not available. Canary does not exist.")
	}
	if pair == deployment {
		s.DeploymentID = s.CanarySettings.DeploymentID
		return nil
	}
	// docs/platforms.md: "**`copy` to `/variables` merges**"
	merge(&s.Variables, s.CanarySettings.StageVariableOverrides)
	return nil
}

func (op patchOperation) replaceIn(api *restAPI, s *stage, value string) error {
	parent, key := splitPath(op.Path)
	switch {
	case op.Path == "/deploymentId":
		// docs/platforms.md: "Moving a stage without a canary: `replace /deploymentId`"
		s.DeploymentID = value
		return api.has(value)
	case parent == "/variables":
		return putVariable(&s.Variables, key, value)
	case strings.HasPrefix(op.Path, "/canarySettings"):
		return op.replaceInCanary(api, s, value)
	case strings.Count(op.Path, "/") >= 4:
		return op.replaceMethodSetting(s, value)
	}
	if parent == "/accessLogSettings" && s.AccessLogSettings == nil {
		s.AccessLogSettings = &accessLogSettings{}
	}
	err := op.put(s.fields()[op.Path], value)
	s.setCache(s.CacheClusterEnabled, "") // its status follows
	return err
}

// fields are those of a stage that are replaced as they are, by their paths.
func (s *stage) fields() map[string]any {
	fields := map[string]any{
		"/description": &s.Description, "/clientCertificateId": &s.ClientCertificateID, "/documentationVersion": &s.DocumentationVersion,
		"/cacheClusterEnabled": &s.CacheClusterEnabled, "/cacheClusterSize": &s.CacheClusterSize, "/tracingEnabled": &s.TracingEnabled,
	}
	if logs := s.AccessLogSettings; logs != nil {
		fields["/accessLogSettings/destinationArn"], fields["/accessLogSettings/format"] = &logs.DestinationArn, &logs.Format
	}
	return fields
}

func (op patchOperation) removeFrom(s *stage) error {
	parent, key := splitPath(op.Path)
	switch {
	case strings.HasPrefix(op.Path, "/canarySettings"):
		return op.removeFromCanary(s)
	case op.Path == "/accessLogSettings" && s.AccessLogSettings != nil:
		s.AccessLogSettings = nil
		return nil
	case parent == "/variables":
		return drop(op, s.Variables, unescape(key))
	default:
		return drop(op, s.MethodSettings, strings.TrimPrefix(op.Path, "/")) // all of a method's
	}
}

// drop removes what must be there.
func drop[V any](op patchOperation, from map[string]V, key string) error {
	if _, ok := from[key]; !ok {
		return op.nothingThere()
	}
	delete(from, key)
	return nil
}

// putVariable sets one of a stage's, or a canary's, variables; key is escaped.
func putVariable(in *map[string]string, key, value string) error {
	merge(in, map[string]string{unescape(key): value})
	return checkVariable(unescape(key), value)
}

// merge puts variables to those that there are.
func merge(into *map[string]string, variables map[string]string) {
	if *into == nil && len(variables) > 0 {
		*into = map[string]string{}
	}
	maps.Copy(*into, variables)
}

// splitPath cuts a path before its last segment.
func splitPath(path string) (parent, key string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// unescape reads a segment of a JSON Pointer.
//
// docs/platforms.md: "a variable key is escaped as in JSON Pointer"
func unescape(segment string) string {
	return strings.ReplaceAll(strings.ReplaceAll(segment, "~1", "/"), "~0", "~")
}

// put reads a value into a field of any type; nil is a field that nobody has.
func (op patchOperation) put(field any, value string) (err error) {
	kind := "number"
	switch field := field.(type) {
	case *string:
		*field = value
	case *bool:
		kind = "boolean"
		*field, err = strconv.ParseBool(value)
	case *int:
		*field, err = strconv.Atoi(value)
	case *float64:
		*field, err = strconv.ParseFloat(value, 64)
	default:
		return op.invalidPath()
	}
	if err != nil {
		return badRequest("Invalid patch value specified for path: %s. Must be a %s", op.Path, kind)
	}
	return nil
}

func (op patchOperation) nothingThere() error {
	return badRequest("Cannot remove method setting %s because there is no method setting for this method ", strings.TrimPrefix(op.Path, "/"))
}

// invalidPath is AWS's answer to a path that is not there, with its list as it
// is: commas are missing in it.
func (op patchOperation) invalidPath() error {
	return badRequest("Invalid method setting path: %s. Must be one of: [/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, /accessLogSettings/destinationArn, /accessLogSettings/format, %s, %s, /variables/{variable_name}, /tracingEnabled]",
		op.Path, methodPaths("/{resourcePath}/{httpMethod}", ""), methodPaths("/*/*", " "))
}
