package apigateway

import (
	"strconv"
	"strings"
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
	next := s.clone()
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
	for k, v := range s.CanarySettings.StageVariableOverrides {
		s.setVariable(k, v)
	}
	return nil
}

func (op patchOperation) replaceIn(api *restAPI, s *stage, value string) error {
	parent, key := splitPath(op.Path)
	switch {
	case op.Path == "/deploymentId":
		// docs/platforms.md: "Moving a stage without a canary: `replace /deploymentId`"
		return replaceDeployment(api, &s.DeploymentID, value)
	case parent == "/variables":
		if err := checkVariable(unescape(key), value); err != nil {
			return err
		}
		s.setVariable(unescape(key), value)
		return nil
	case strings.HasPrefix(op.Path, "/canarySettings"):
		return op.replaceInCanary(api, s, value)
	case parent == "/accessLogSettings":
		return op.replaceLogging(s, key, value)
	case strings.Count(op.Path, "/") >= 4:
		return op.replaceMethodSetting(s, value)
	default:
		return op.replacePlain(s, value)
	}
}

// replacePlain sets a field of the stage itself.
func (op patchOperation) replacePlain(s *stage, value string) (err error) {
	switch op.Path {
	case "/description":
		s.Description = value
	case "/clientCertificateId":
		s.ClientCertificateID = value
	case "/documentationVersion":
		s.DocumentationVersion = value
	case "/cacheClusterSize":
		s.CacheClusterSize = value
	case "/tracingEnabled":
		s.TracingEnabled, err = op.boolean(value)
	case "/cacheClusterEnabled":
		var enabled bool
		if enabled, err = op.boolean(value); err == nil {
			s.setCache(enabled, "")
		}
	default:
		return op.invalidPath()
	}
	return err
}

func (op patchOperation) replaceLogging(s *stage, key, value string) error {
	if s.AccessLogSettings == nil {
		s.AccessLogSettings = &accessLogSettings{}
	}
	switch key {
	case "destinationArn":
		s.AccessLogSettings.DestinationArn = value
	case "format":
		s.AccessLogSettings.Format = value
	default:
		return op.invalidPath()
	}
	return nil
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
		if _, ok := s.Variables[unescape(key)]; !ok {
			return op.nothingThere()
		}
		delete(s.Variables, unescape(key))
		return nil
	default:
		return op.removeMethodSetting(s)
	}
}

// replaceDeployment points at to the deployment id.
func replaceDeployment(api *restAPI, at *string, id string) error {
	// docs/platforms.md: "An unknown deployment id is a 400"
	if api.deployment(id) == nil {
		return badRequest("Deployment id does not exist")
	}
	*at = id
	return nil
}

func (s *stage) setVariable(key, value string) {
	if s.Variables == nil {
		s.Variables = map[string]string{}
	}
	s.Variables[key] = value
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

func (op patchOperation) boolean(value string) (bool, error) {
	b, err := strconv.ParseBool(value)
	if err != nil {
		return false, badRequest("Invalid patch value specified for path: %s. Must be a boolean", op.Path)
	}
	return b, nil
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
