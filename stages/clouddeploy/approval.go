package clouddeploy

import (
	"context"
	"encoding/json"
	"fmt"

	"sluice/stages/driver"
)

// Approval reads whether the target requires one: rollouts to it wait for somebody
// with roles/clouddeploy.approver.
func (d *clouddeploy) Approval(ctx context.Context, t driver.Target) (bool, error) {
	at, err := placeOf(t)
	if err != nil {
		return false, err
	}
	raw, err := d.api.client.Get(ctx, "v1/"+at.target())
	if err != nil {
		return false, err
	}
	var target struct {
		RequireApproval bool `json:"requireApproval"`
	}
	if err := json.Unmarshal(raw, &target); err != nil {
		return false, fmt.Errorf("reading target %s: %w", at.Target, err)
	}
	return target.RequireApproval, nil
}
