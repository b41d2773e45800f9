package patch

import (
	"fmt"
	"maps"
	"strings"

	"sluice/canary"
)

// Refusal is what AWS would answer instead of a stage.
type Refusal struct {
	Code    string // AWS's error type, "BadRequestException"
	Message string // AWS's words
}

// Error is the code and the message.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Predict is the stage that AWS returns for operations, or its [*Refusal] of
// them: all of them apply or none. known tells which deployments the REST API
// has; nil means that all are there. The given stage is left as it is.
func Predict(s Stage, ops []Operation, known func(deployment string) bool) (Stage, error) {
	if known == nil {
		known = func(string) bool { return true }
	}
	next := s.clone()
	for _, op := range ops {
		if err := next.apply(op, known); err != nil {
			return s, err
		}
	}
	return next, nil
}

func (s *Stage) apply(op Operation, known func(string) bool) error {
	switch op.Op {
	case "replace":
		return s.replace(op, known)
	case "remove":
		return s.remove(op.Path)
	case "copy":
		return s.copy(op)
	default:
		return refuse("Invalid %s operation with path: %s", op.Op, op.Path)
	}
}

func (s *Stage) replace(op Operation, known func(string) bool) error {
	switch op.Path {
	case deploymentPath, canaryDeploymentPath:
		if !known(op.Value) {
			return refuse("Deployment id does not exist")
		}
		if op.Path == deploymentPath {
			s.DeploymentID = op.Value
		} else {
			s.canary().DeploymentID = op.Value
		}
		return nil
	case percentPath:
		return s.setPercent(op.Value)
	case cachePath:
		return s.setCache(op.Value)
	}
	return s.setVariable(op.Path, op.Value)
}

// canary is the stage's canary. Where there is none it comes into being, on
// the stage's own deployment and without traffic.
func (s *Stage) canary() *Canary {
	if s.Canary == nil {
		s.Canary = &Canary{DeploymentID: s.DeploymentID, Percent: "0"}
	}
	return s.Canary
}

func (s *Stage) setPercent(value string) error {
	p, err := canary.ParsePercent(value)
	if err != nil {
		return refuse("Invalid canary traffic: %v", err)
	}
	s.canary().Percent = p
	return nil
}

func (s *Stage) setCache(value string) error {
	if s.Canary == nil || value != "true" && value != "false" {
		return invalidPath(cachePath)
	}
	s.Canary.UseStageCache = value == "true"
	return nil
}

func (s *Stage) setVariable(path, value string) error {
	m, key := s.variable(path)
	if m == nil {
		return invalidPath(path)
	}
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
	return nil
}

func (s *Stage) remove(path string) error {
	if path == settingsPath && s.Canary != nil {
		s.Canary = nil
		return nil
	}
	if m, key := s.variable(path); m != nil {
		if _, ok := (*m)[key]; ok {
			delete(*m, key)
			return nil
		}
	}
	return refuse("Cannot remove method setting %s because there is no method setting for this method ", strings.TrimPrefix(path, "/"))
}

// variable is the map and the key that a path names; nil where it names none.
func (s *Stage) variable(path string) (*map[string]string, string) {
	if segment, ok := strings.CutPrefix(path, variablesPath); ok {
		key, ok := unescape(segment)
		return when(ok && key != "", &s.Variables), key
	}
	if segment, ok := strings.CutPrefix(path, overridesPath); ok && s.Canary != nil {
		key, ok := unescape(segment)
		return when(ok && key != "", &s.Canary.Overrides), key
	}
	return nil, ""
}

func when(ok bool, m *map[string]string) *map[string]string {
	if ok {
		return m
	}
	return nil
}

func (s *Stage) copy(op Operation) error {
	toDeployment := op.From == canaryDeploymentPath && op.Path == deploymentPath
	toVariables := op.From == overrides && op.Path == variables
	if !toDeployment && !toVariables {
		return refuse("Invalid copy operation with path: %s and from %s. Valid copy:path are [%s, %s] and valid copy:from are [%s, %s]",
			op.Path, op.From, deploymentPath, variables, canaryDeploymentPath, overrides)
	}
	if s.Canary == nil {
		return refuse("Promotion not available. Canary does not exist.")
	}
	if toDeployment {
		s.DeploymentID = s.Canary.DeploymentID
		return nil
	}
	if s.Variables == nil {
		s.Variables = map[string]string{}
	}
	maps.Copy(s.Variables, s.Canary.Overrides) // merges: variables that no override names survive
	return nil
}

func invalidPath(path string) error {
	return refuse("Invalid method setting path: %s. Must be one of: [%s, %s{variable_name}, %s, %s, %s, %s{variable_name}]",
		path, deploymentPath, variablesPath, canaryDeploymentPath, percentPath, cachePath, overridesPath)
}

func refuse(format string, args ...any) error {
	return &Refusal{Code: "BadRequestException", Message: fmt.Sprintf(format, args...)}
}
