package inframanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sluice/stages/google"
)

// rules are what Infrastructure Manager's answers carry: the fields that the service
// sets itself, or without which nothing was ever made there.
func rules() google.Rules {
	return google.Rules{
		Resources: map[string]google.Rule{
			"deployments":     {Carries: []string{"state", "serviceAccount"}, Check: checkDeployment},
			"revisions":       {Carries: []string{"state", "createTime"}, Check: checkRevision},
			"previews":        {Carries: []string{"state"}, Check: checkPreview},
			"resourceChanges": {Carries: []string{"intent"}, Check: func(c google.Fields) error { return texts(c, "intent") }},
			"operations":      {Carries: []string{"metadata"}, Check: checkOperation},
		},
		Verbs:  map[string]func(google.Fields) error{"exportLock": func(l google.Fields) error { return l.Lacks("lockId") }},
		Effect: checkEffect,
	}
}

// texts refuses a resource in which one of the fields is no text.
func texts(one google.Fields, names ...string) error {
	for _, name := range names {
		if one.Text(name) == "" {
			return fmt.Errorf("its %s is no text", name)
		}
	}
	return nil
}

// checkDeployment holds a deployment to the revision that it runs: one that is
// ACTIVE has one.
func checkDeployment(d google.Fields) error {
	if err := texts(d, "state", "serviceAccount"); err != nil {
		return err
	}
	latest := d.Text("latestRevision")
	switch {
	case d.Has("latestRevision") && (latest == "" || !google.Named(latest, d.Text("name")+"/revisions/-") || number(latest) < 0):
		return fmt.Errorf("its latestRevision %s is none of its revisions", d["latestRevision"])
	case d.Text("state") == active && latest == "":
		return errors.New("it is ACTIVE and has no latestRevision")
	}
	return checkBlueprint(d)
}

func checkRevision(r google.Fields) error {
	if err := texts(r, "state", "createTime"); err != nil {
		return err
	}
	if number(r.Text("name")) < 0 {
		return fmt.Errorf("%q has no number", r.Text("name"))
	}
	return checkBlueprint(r)
}

func checkPreview(p google.Fields) error {
	if err := texts(p, "state"); err != nil {
		return err
	}
	return checkBlueprint(p)
}

// checkBlueprint holds what has a blueprint to a source.
func checkBlueprint(one google.Fields) error {
	var b blueprint
	if err := json.Unmarshal(one["terraformBlueprint"], &b); err != nil {
		return errors.New("it has no terraformBlueprint")
	}
	_, err := b.source()
	return err
}

// checkOperation holds an operation to "if done is true, either error or response
// is available" (google.longrunning).
func checkOperation(op google.Fields) error {
	if _, answered := op["response"]; op.Has("done") && !answered && !op.Has("error") {
		return errors.New("it is done and has neither an error nor a response")
	}
	return texts(op.Object("metadata"), "target")
}

// checkEffect holds the answers to requests that change something: each is an
// operation of the location, on what was meant.
func checkEffect(path string, answer google.Fields) error {
	name, on := answer.Text("name"), answer.Object("metadata").Text("target")
	parts := strings.SplitN(path, "/", 6)
	location := strings.Join(parts[:min(5, len(parts))], "/")
	switch {
	case !google.Named(name, location+"/operations/-"):
		return fmt.Errorf("it names no operation of the location: %q", name)
	case strings.HasSuffix(path, "/previews") && !google.Named(on, path+"/-"), !strings.HasSuffix(path, "/previews") && !google.Named(on, path):
		return fmt.Errorf("its operation is on %q", on)
	}
	return checkOperation(answer)
}
