package ecs

import (
	"fmt"
	"strconv"
	"strings"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// definition finds a task definition by its ARN, "family:revision" or family.
//
// docs/platforms.md: "A family without revision means the newest"
func (e *Emulator) definition(region, name string) (*taskDefinitionRow, error) {
	family, number, _ := strings.Cut(kit.Last(name), ":")
	row := kit.Newest(kit.Those(e.State.Definitions[region+"/"+family], func(r *taskDefinitionRow) bool {
		return number == "" && !r.Inactive || number == strconv.Itoa(r.Revision)
	}))
	if row == nil {
		return nil, client("Unable to describe task definition.")
	}
	return row, nil
}

type definitionInput struct {
	Definition string `json:"taskDefinition"`
}

func (e *Emulator) describeDefinition(c *call, in *definitionInput) (any, error) {
	row, err := e.definition(c.region, in.Definition)
	if err != nil {
		return nil, err
	}
	return map[string]any{"taskDefinition": row.describe()}, nil
}

type registerInput struct {
	Family     string `json:"family"`
	Containers []struct {
		Image string `json:"image"`
	} `json:"containerDefinitions"`
}

// register makes a revision of a family.
func (e *Emulator) register(c *call, in *registerInput) (any, error) {
	if in.Family == "" || len(in.Containers) == 0 {
		return nil, client("Family and container definitions are required.")
	}
	return map[string]any{"taskDefinition": e.registered(c.region, in.Family, in.Containers[0].Image).describe()}, nil
}

func (e *Emulator) deregister(c *call, in *definitionInput) (any, error) {
	row, err := e.definition(c.region, in.Definition)
	if err != nil {
		return nil, err
	}
	row.Inactive = true
	return map[string]any{"taskDefinition": row.describe()}, nil
}

// registered adds a revision to a family.
func (e *Emulator) registered(region, family, image string) *taskDefinitionRow {
	key := region + "/" + family
	row := &taskDefinitionRow{Family: family, Revision: len(e.State.Definitions[key]) + 1, Image: image, RegisteredAt: e.Now()}
	row.ARN = fmt.Sprintf("arn:aws:ecs:%s:%s:task-definition/%s:%d", region, awsapi.Account, family, row.Revision)
	e.State.Definitions[key] = append(e.State.Definitions[key], row)
	return row
}

func (r *taskDefinitionRow) describe() any {
	status := "ACTIVE"
	if r.Inactive {
		status = "INACTIVE"
	}
	return map[string]any{
		"taskDefinitionArn": r.ARN, "family": r.Family, "revision": r.Revision, "status": status, "registeredAt": stamp(r.RegisteredAt),
		"containerDefinitions": []any{map[string]any{"name": r.Family, "image": r.Image, "essential": true}},
	}
}
