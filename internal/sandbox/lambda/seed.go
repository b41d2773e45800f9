package lambda

import (
	"cmp"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Function string `json:"function"`
	Alias    string `json:"alias"`
	Region   string `json:"region"`
}

// Seed implements sandbox.Emulator: every function has a version for each of the
// pipeline's stages, of the same code whatever the function. The alias of the first
// stage runs the newest, that of each later one an older.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	return kit.Seed(p, e.Platform(), nil, e.seedTarget)
}

// seedTarget learns a target and makes what it names where that is missing.
func (e *Emulator) seedTarget(s kit.Seat[config]) {
	c := s.Config
	e.home.Learn(c.Region)
	e.Targets.Learn(address{c.Region, c.Function, c.Alias}, s.Name())
	f := e.State.Regions[c.Region][c.Function]
	if f == nil {
		f = e.seedFunction(c, len(s.Pipeline.Stages))
		e.State.Regions.Add(c.Region, f.Name, f)
	}
	if f.Aliases[c.Alias] != nil {
		return
	}
	v := f.Versions[max(len(f.Versions)-1-s.Stage, 0)]
	f.Aliases[c.Alias] = &alias{
		Name: c.Alias, AliasArn: f.Latest.FunctionArn + ":" + c.Alias, FunctionVersion: v.Version,
		Description: s.Target.Stage.Name.Value, RevisionID: seedRevision(c),
	}
}

// seedFunction has a version for each stage, the oldest first.
func (e *Emulator) seedFunction(c config, stages int) *function {
	var f *function
	for age := max(stages, 2); age > 0; age-- {
		made := e.Now().Add(-time.Duration(age) * kit.Day)
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
