package ecs

import (
	"fmt"
	"strconv"
	"strings"

	"sluice/internal/sandbox/awsapi"
)

// definition finds a task definition by its ARN, "family:revision" or family.
//
// docs/platforms.md: "A family without revision means the newest"
func (e *Emulator) definition(region, name string) (*taskDefinitionRow, error) {
	family, number, _ := strings.Cut(last(name), ":")
	rows := e.state.Definitions[region+"/"+family]
	for i := len(rows) - 1; i >= 0; i-- {
		if number == "" && !rows[i].Inactive || number == strconv.Itoa(rows[i].Revision) {
			return rows[i], nil
		}
	}
	return nil, client("Unable to describe task definition.")
}

func (e *Emulator) describeDefinition(c *call) (any, error) {
	var in struct {
		Definition string `json:"taskDefinition"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	row, err := e.definition(c.region, in.Definition)
	if err != nil {
		return nil, err
	}
	return map[string]any{"taskDefinition": row.describe()}, nil
}

// register makes a revision of a family.
func (e *Emulator) register(c *call) (any, error) {
	var in struct {
		Family     string `json:"family"`
		Containers []struct {
			Image string `json:"image"`
		} `json:"containerDefinitions"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Family == "" || len(in.Containers) == 0 {
		return nil, client("Family and container definitions are required.")
	}
	return map[string]any{"taskDefinition": e.registered(c.region, in.Family, in.Containers[0].Image).describe()}, nil
}

func (e *Emulator) deregister(c *call) (any, error) {
	var in struct {
		Definition string `json:"taskDefinition"`
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
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
	row := &taskDefinitionRow{Family: family, Revision: len(e.state.Definitions[key]) + 1, Image: image, RegisteredAt: e.now()}
	row.ARN = fmt.Sprintf("arn:aws:ecs:%s:%s:task-definition/%s:%d", region, awsapi.Account, family, row.Revision)
	e.state.Definitions[key] = append(e.state.Definitions[key], row)
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
