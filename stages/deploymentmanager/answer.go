package deploymentmanager

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"sluice/stages/google"
)

// rules are what Deployment Manager's answers carry: the fields that the service
// sets itself, so that every true answer has them.
func rules() google.Rules {
	return google.Rules{
		ShortNames: true,
		Resources: map[string]google.Rule{
			"deployments": {Carries: []string{"fingerprint"}, Check: checkDeployment},
			"manifests":   {Carries: []string{"config"}, Check: checkManifest},
			"operations":  {Carries: []string{"status"}},
		},
		Effect: checkEffect,
	}
}

// checkDeployment holds a deployment to what it runs or what is at work on it.
// "If no manifest has been successfully deployed, this field will be absent"
// (discovery document): then an operation is under way, or failed.
func checkDeployment(d google.Fields) error {
	operation := d.Object("operation")
	switch {
	case !d.Has("manifest") && operation == nil:
		return errors.New("it has neither a manifest nor an operation")
	case d.Has("manifest") && google.Last(d.Text("manifest")) == "":
		return errors.New("its manifest has no name")
	case d.Has("operation") && (operation.Text("name") == "" || operation.Text("status") == ""):
		return errors.New("its operation has no name or no status")
	}
	return nil
}

// checkManifest holds a manifest to its configuration and the files that it
// imports: without them, its release would be another one.
func checkManifest(m google.Fields) error {
	content := m.Object("config").Text("content")
	switch {
	case content == "":
		return errors.New("its config has no content")
	case imports().MatchString(content) && !m.Has("imports"):
		return errors.New("its config imports files, and it has none")
	}
	for i, file := range m.List("imports") {
		if file.Text("name") == "" {
			return fmt.Errorf("import %d has no name", i+1)
		}
	}
	return nil
}

// imports is how a configuration begins the list of its imports.
var imports = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^imports:[ \t]*(?:#.*)?\r?\n\s*-`) })

// checkEffect holds the answers to requests that change something: each is the
// operation, on the deployment that was meant.
func checkEffect(path string, answer google.Fields) error {
	if answer.Text("name") == "" {
		return errors.New("it names no operation")
	}
	if err := answer.Lacks("status"); err != nil {
		return err
	}
	_, name, isNamed := strings.Cut(path, "/deployments/")
	name, _, _ = strings.Cut(name, "/")
	if on := google.Last(answer.Text("targetLink")); isNamed && on != "" && on != name {
		return fmt.Errorf("its operation is on deployment %q", on)
	}
	return nil
}
