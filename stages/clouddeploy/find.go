package clouddeploy

import (
	"context"
	"encoding/json"

	"sluice/stages/driver"
	"sluice/stages/google"
)

var _ driver.Finder = (*clouddeploy)(nil)

// Find lists the stages of a delivery pipeline, each with its target.
func (d *clouddeploy) Find(ctx context.Context, what string) (driver.Existing, error) {
	parts, err := google.Parts(Facts().Finds, what)
	if err != nil {
		return driver.Existing{}, err
	}
	at := place{Project: parts[0], Location: parts[1], DeliveryPipeline: parts[2]}
	raw, err := d.api.client.Get(ctx, "v1/"+at.pipeline())
	if err != nil {
		return driver.Existing{}, err
	}
	var p struct {
		Serial struct {
			Stages []struct {
				Target string `json:"targetId"`
			} `json:"stages"`
		} `json:"serialPipeline"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return driver.Existing{}, google.NoAnswer("the delivery pipeline", "%w", err)
	}
	found := driver.Existing{Name: at.DeliveryPipeline, Ordered: true, One: true}
	for _, s := range p.Serial.Stages {
		at.Target = s.Target
		one := google.Place(s.Target, at)
		one.Stage = s.Target
		found.Places = append(found.Places, one)
	}
	if len(found.Places) == 0 {
		return driver.Existing{}, &google.NotFoundError{Text: "delivery pipeline " + at.DeliveryPipeline + " has no stages"}
	}
	return found, nil
}
