package lambda

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/awsapi"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Function string `json:"function"`
	Alias    string `json:"alias"`
	Region   string `json:"region"`
}

const day = 24 * time.Hour

// Seed implements sandbox.Emulator: every function has a version for each of the
// pipeline's stages, of the same code whatever the function. The alias of the first
// stage runs the newest, that of each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	for position, stage := range p.Stages {
		for _, t := range stage.Targets {
			if t.Platform.Platform != e.Platform() {
				continue
			}
			var c config
			if err := json.Unmarshal(t.Config, &c); err != nil {
				return fmt.Errorf("target %s: %w", t.Name.Value, err)
			}
			e.seedTarget(t, c, len(p.Stages), position)
		}
	}
	return nil
}

// seedTarget learns t and makes what it names where that is missing.
func (e *Emulator) seedTarget(t *pipeline.Target, c config, stages, position int) {
	if len(e.targets) == 0 {
		e.region = cmp.Or(c.Region, awsapi.DefaultRegion)
	}
	at := address{c.Region, c.Function, c.Alias}
	if !slices.Contains(e.targets[at], t.Name.Value) {
		e.targets[at] = append(e.targets[at], t.Name.Value)
	}
	f := e.state.Regions[c.Region][c.Function]
	if f == nil {
		f = e.seedFunction(c, stages)
		e.state.add(c.Region, f)
	}
	if f.Aliases[c.Alias] != nil {
		return
	}
	v := f.Versions[max(len(f.Versions)-1-position, 0)]
	f.Aliases[c.Alias] = &alias{
		Name: c.Alias, AliasArn: f.Latest.FunctionArn + ":" + c.Alias, FunctionVersion: v.Version,
		Description: t.Stage.Name.Value, RevisionID: seedRevision(c),
	}
}

// seedFunction has a version for each stage, the oldest first.
func (e *Emulator) seedFunction(c config, stages int) *function {
	var f *function
	for age := max(stages, 2); age > 0; age-- {
		made := e.now().Add(-time.Duration(age) * day)
		code := fmt.Sprintf("seeded, %d days old", age)
		if f == nil {
			f = newFunction(cmp.Or(c.Region, awsapi.DefaultRegion), c.Function, code, made)
		}
		f.upload(code, made)
		f.Latest.RevisionID = seedRevision(c, code)
		f.publish(code, made)
	}
	return f
}

// seedRevision is a revision id that is the same for the same seed.
func seedRevision(parts ...any) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, parts...)).String()
}
