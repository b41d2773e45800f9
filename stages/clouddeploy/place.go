package clouddeploy

import (
	"encoding/json"
	"fmt"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// place is a target's configuration.
type place struct {
	Project          string `json:"project"`
	Location         string `json:"location"`
	DeliveryPipeline string `json:"deliveryPipeline"`
	Target           string `json:"target"`
}

func placeOf(t driver.Target) (place, error) {
	var at place
	if err := json.Unmarshal(t.Config, &at); err != nil {
		return at, &google.InvalidError{Text: fmt.Sprintf("the target's configuration: %v", err)}
	}
	if at.Project == "" || at.Location == "" || at.DeliveryPipeline == "" || at.Target == "" {
		return at, &google.InvalidError{Text: "the target names no project, location, deliveryPipeline or target"}
	}
	return at, nil
}

// root is the path of the API's version below its endpoint.
const root = "v1/"

func (at place) location() string { return "projects/" + at.Project + "/locations/" + at.Location }

func (at place) pipeline() string {
	return at.location() + "/deliveryPipelines/" + at.DeliveryPipeline
}

func (at place) target() string { return at.location() + "/targets/" + at.Target }

func (at place) release(id string) string { return at.pipeline() + "/releases/" + id }

// releaseOf is the release that a rollout's name lies in.
func releaseOf(rollout string) string {
	release, _, _ := strings.Cut(rollout, "/rollouts/")
	return google.Last(release)
}
