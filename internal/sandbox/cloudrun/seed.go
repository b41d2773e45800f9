package cloudrun

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
	"sluice/pipeline"
)

// config are a target's keys in the pipeline file.
type config struct {
	Project  string `json:"project"`
	Location string `json:"location"`
	Service  string `json:"service"`
}

func (c config) name() string {
	return "projects/" + c.Project + "/locations/" + c.Location + "/services/" + c.Service
}

// Seed implements sandbox.Emulator: the service of the first stage serves the newest
// image, that of each later one an older. A service serves the revision that was
// deployed last, as LATEST.
func (e *Emulator) Seed(p *pipeline.Pipeline) error {
	return kit.Seed(p, e.Platform(), nil, func(s kit.Seat[config]) {
		name := s.Config.name()
		e.Targets.Learn(name, s.Name())
		if e.State.Services[name] == nil {
			e.seedService(s.Config, s.Stage)
		}
	})
}

func (e *Emulator) seedService(c config, position int) {
	created := e.Now().Add(-time.Duration(position+1) * kit.Day)
	s := &service{Name: c.name(), Created: created, Made: 1}
	r := e.revise(s, c.Service+"-00001-sbx", image(fmt.Sprintf("seeded, %d days old", position+1)))
	r.Created = created
	s.Traffic = []traffic{{Type: byLatest, Percent: 100}}
	e.State.Services[s.Name] = s
	s.Generation, s.Updated, s.Etag = 1, created, etag(s.Name, 0)
	e.settleNow(s)
}

// Classify implements sandbox.Emulator.
func (e *Emulator) Classify(r *http.Request, body []byte) sandbox.Action {
	key, name, _ := e.Address(r)
	name = serviceIn(name)
	a := sandbox.Action{Kind: sandbox.ReadOrOther(r), Targets: slices.Sorted(slices.Values(e.Targets[name]))}
	var in input
	s := e.State.Services[name]
	if key == "PATCH services/*" && s != nil && json.Unmarshal(body, &in) == nil {
		a.Kind = s.kind(in.Traffic)
	}
	return a
}

// kind tells which of the driver's effects a change of the traffic is, by what it
// makes of what stands: the first revision listed is what runs.
func (s *service) kind(asked []traffic) string {
	had, has := s.shares(s.Traffic), s.shares(asked)
	switch {
	case len(has) == 0:
		return sandbox.Other
	case len(has) > 1:
		return "weight"
	case len(had) > 1 && has[0] == had[1]:
		return "stable"
	case len(had) > 1, s.isOlder(has[0], had[0]):
		return "rollback"
	default:
		return "deploy"
	}
}

// shares are the revisions that get traffic, in the order of the list.
func (s *service) shares(all []traffic) []string {
	var revisions []string
	for _, t := range all {
		if t.Type == byLatest {
			t.Revision = kit.Last(s.Ready)
		}
		if t.Percent > 0 && !slices.Contains(revisions, t.Revision) {
			revisions = append(revisions, t.Revision)
		}
	}
	return revisions
}

func (s *service) isOlder(short, than string) bool {
	a, b := s.revision(short), s.revision(than)
	return a != nil && b != nil && a.Created.Before(b.Created)
}
