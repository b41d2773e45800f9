package rollout

import (
	stdjson "encoding/json"
	"fmt"

	"github.com/go-json-experiment/json"
)

// Controllers derives the controller rollouts of the records' newest rollouts,
// in the order of the records. Only those of several targets have one.
func Controllers(records []Record) []Rollout {
	var names []string
	children := map[string][]Rollout{}
	for i := range records {
		newest, ok := records[i].Newest()
		if !ok || newest.Rollout.ControllerRollout == "" {
			continue
		}
		name := newest.Rollout.ControllerRollout
		if children[name] == nil {
			names = append(names, name)
		}
		children[name] = append(children[name], newest.Rollout)
	}
	controllers := make([]Rollout, 0, len(names))
	for _, name := range names {
		controllers = append(controllers, Controller(children[name]))
	}
	return controllers
}

// EncodeRollouts writes rollouts in Cloud Deploy's shape.
func EncodeRollouts(rollouts []Rollout) (stdjson.RawMessage, error) {
	data, err := json.Marshal(rollouts, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write rollouts: %w", err)
	}
	return data, nil
}
