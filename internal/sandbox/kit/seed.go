package kit

import (
	"encoding/json"
	"fmt"
	"time"

	"sluice/pipeline"
)

// Day is how much older each later stage's release is, where an emulator seeds them.
const Day = 24 * time.Hour

// Seat is a target of a pipeline as seeding sees it.
type Seat[C any] struct {
	Pipeline *pipeline.Pipeline
	Target   *pipeline.Target
	// Config are the target's keys in the pipeline file.
	Config C
	// Stage counts the pipeline's stages before the target's.
	Stage int
	// Position counts those of them that have a target of the same group on the platform.
	Position int
}

// Name is the target's.
func (s Seat[C]) Name() string { return s.Target.Name.Value }

// Seats lists the targets of a pipeline that are on a platform, in the file's order. group
// says by their keys which of them count together for [Seat.Position]; nil is all.
func Seats[C any](p *pipeline.Pipeline, platform string, group func(C) string) ([]Seat[C], error) {
	var seats []Seat[C]
	positions := map[string]int{}
	for i, stage := range p.Stages {
		here := map[string]bool{}
		for _, t := range stage.Targets {
			if t.Platform.Platform != platform {
				continue
			}
			s := Seat[C]{Pipeline: p, Target: t, Stage: i}
			if err := json.Unmarshal(t.Config, &s.Config); err != nil {
				return nil, fmt.Errorf("target %s: %w", s.Name(), err)
			}
			of := ""
			if group != nil {
				of = group(s.Config)
			}
			s.Position, here[of] = positions[of], true
			seats = append(seats, s)
		}
		for of := range here {
			positions[of]++
		}
	}
	return seats, nil
}

// Seed gives each of [Seats] to seat.
func Seed[C any](p *pipeline.Pipeline, platform string, group func(C) string, seat func(Seat[C])) error {
	seats, err := Seats(p, platform, group)
	if err != nil {
		return err
	}
	for _, s := range seats {
		seat(s)
	}
	return nil
}
