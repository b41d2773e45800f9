package cloudrun

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Services   map[string]*service   `json:"services"` // by full name
	Operations map[string]*operation `json:"operations"`
	kit.Count                        // of changes
}

func newState() state {
	return state{Services: map[string]*service{}, Operations: map[string]*operation{}}
}

// service is a service with its revisions.
type service struct {
	Name       string          `json:"name"`
	Made       int             `json:"made"` // revisions ever named by Cloud Run
	Created    time.Time       `json:"created"`
	Updated    time.Time       `json:"updated"`
	Generation int             `json:"generation"`
	Observed   int             `json:"observed"`
	Etag       string          `json:"etag"`
	Template   json.RawMessage `json:"template"`
	Traffic    []traffic       `json:"traffic"`
	Served     []traffic       `json:"served"`
	Revisions  []*revision     `json:"revisions"` // newest first
	Ready      string          `json:"ready"`     // latestReadyRevision, its full name
	DoneAt     time.Time       `json:"doneAt"`    // when what was asked is served
	Failed     string          `json:"failed,omitempty"`
}

// revision is an immutable snapshot of a service.
type revision struct {
	Name     string          `json:"name"`
	Created  time.Time       `json:"created"`
	Template json.RawMessage `json:"template"`
	Image    string          `json:"image"`
	Ready    bool            `json:"ready"`
	Fails    bool            `json:"fails,omitempty"`
}

func (r *revision) short() string { return kit.Last(r.Name) }

// traffic is a part of a service's traffic, as on the wire.
type traffic struct {
	Type     string `json:"type,omitempty"`
	Revision string `json:"revision,omitempty"`
	Percent  int    `json:"percent,omitempty"`
	Tag      string `json:"tag,omitempty"`
	URI      string `json:"uri,omitempty"`
}

const (
	byRevision = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
	byLatest   = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
)

// operation is a change under way.
type operation struct {
	Name    string `json:"name"`
	Service string `json:"service"`
	Failed  string `json:"failed,omitempty"`
	Over    bool   `json:"over"`
}

func image(what string) string {
	return "europe-docker.pkg.dev/sandbox/images/web@sha256:" + kit.Hash(32, what)
}

func templateOf(image string) json.RawMessage {
	text, _ := json.Marshal(map[string]any{ //nolint:errchkjson // plain data
		"containers": []any{map[string]any{"image": image, "ports": []any{map[string]any{"containerPort": 8080}}}},
	})
	return text
}

// revision finds a revision by its short name, nil where there is none.
func (s *service) revision(short string) *revision {
	return kit.Find(s.Revisions, func(r *revision) bool { return r.short() == short })
}

// revise makes a revision of an image; it is not ready yet.
func (e *Emulator) revise(s *service, short, image string) *revision {
	r := &revision{Name: s.Name + "/revisions/" + short, Created: e.Now(), Image: image, Template: templateOf(image)}
	s.Revisions = append([]*revision{r}, s.Revisions...)
	s.Template = r.Template
	return r
}

// touch records a change, which is served a step later.
func (e *Emulator) touch(s *service) {
	s.Generation++
	s.Updated, s.DoneAt = e.Now(), e.Now().Add(e.Step)
	s.Etag = etag(s.Name, e.State.Next())
}

func etag(name string, made int) string {
	return strconv.Quote(kit.Hash(8, name+strconv.Itoa(made)))
}

// settle lets time carry out what is due.
func (e *Emulator) settle(*googleapi.Call) error {
	for _, s := range e.State.Services {
		if s.Observed < s.Generation && !e.Now().Before(s.DoneAt) {
			e.settleNow(s)
			e.Move()
		}
	}
	return nil
}

// settleNow makes what was asked what is served. A revision that does not get ready
// takes no traffic.
//
// docs/platforms.md: "one that is not Ready takes no traffic"
func (e *Emulator) settleNow(s *service) {
	defer s.finish(e.State.Operations)
	s.Observed, s.Failed = s.Generation, ""
	for _, r := range slices.Backward(s.Revisions) {
		if r.Ready = r.Ready || !r.Fails; r.Ready {
			s.Ready = r.Name
		}
	}
	if s.Revisions[0].Fails {
		s.Failed = "Revision '" + s.Revisions[0].short() + "' is not ready and cannot serve traffic. The user-provided container failed to start and listen on the port defined provided by the PORT=8080 environment variable."
	}
	for _, t := range s.Traffic {
		if r := s.revision(t.Revision); r != nil && !r.Ready && t.Percent > 0 {
			return
		}
	}
	s.Served = nil
	for _, t := range s.Traffic {
		// docs/platforms.md: "it follows `latestReadyRevision`"
		if t.Type == byLatest {
			t.Revision = kit.Last(s.Ready)
		}
		if t.Tag != "" {
			t.URI = "https://" + t.Tag + "---" + kit.Last(s.Name) + "-sandbox.a.run.app"
		}
		s.Served = append(s.Served, t)
	}
}

// finish ends the operations on a service.
func (s *service) finish(all map[string]*operation) {
	for _, op := range all {
		if op.Service == s.Name && !op.Over {
			op.Over, op.Failed = true, s.Failed
		}
	}
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
