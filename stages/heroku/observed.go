package heroku

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sluice/stages/driver"
)

// participant is an app that takes part in a call: its declaration, and what the
// account says of it.
type participant struct {
	target   driver.Target
	place    place
	app      app
	coupling *coupling // nil: in no pipeline
	missing  string    // why the app cannot be used; "" for nothing
	remedy   string
	newest   *release
	running  *release
	setup    setup
}

// observed is what the account says of a call's apps.
type observed struct {
	api    *client
	atOnce int

	source   *participant // nil for none
	targets  []*participant
	pipeline pipeline // no id: there is none, or not yet
	create   string   // the name of a declared pipeline that does not exist
	found    string   // the app whose coupling told the pipeline; "" where it was declared
}

func participantOf(t driver.Target) (*participant, error) {
	at, err := placeOf(t)
	return &participant{target: t, place: at}, err
}

// participants are the source, if any, and the targets.
func (s *observed) participants() []*participant {
	if s.source == nil {
		return s.targets
	}
	return append([]*participant{s.source}, s.targets...)
}

// observedOf reads the declarations of a call.
func observedOf(c driver.Call, api *client, atOnce int) (*observed, error) {
	s := &observed{api: api, atOnce: atOnce}
	var err error
	if from := c.Changes[0].Source; from != nil {
		if s.source, err = participantOf(*from); err != nil {
			return nil, err
		}
	}
	for _, change := range c.Changes {
		p, err := participantOf(change.Target)
		if err != nil {
			return nil, err
		}
		s.targets = append(s.targets, p)
	}
	return s, nil
}

// look reads where the apps are: the pipeline, its couplings and its apps in
// one list each, and single apps only where those do not tell.
func (s *observed) look(ctx context.Context) error {
	if s.source == nil && s.targets[0].place.Pipeline == "" {
		return s.lookAtOne(ctx)
	}
	if err := s.findPipeline(ctx); err != nil {
		return err
	}
	var members map[string]*participant
	if s.pipeline.ID != "" && s.source != nil {
		var err error
		members, err = s.api.members(ctx, s.pipeline)
		if notFound(err) && s.found != "" {
			return doubted(couplingRequest(s.source), "", fmt.Sprintf("it names pipeline %s, and there is none", s.pipeline.ID))
		}
		if err != nil {
			return err
		}
	}
	err := each(ctx, s.atOnce, s.participants(), func(ctx context.Context, p *participant) error {
		if found := members[p.place.App]; found != nil {
			p.app, p.coupling = found.app, found.coupling
			return nil
		}
		return s.api.locate(ctx, p)
	})
	if err != nil {
		return err
	}
	return s.sameApp()
}

// lookAtOne reads an app whose pipeline nobody declares.
func (s *observed) lookAtOne(ctx context.Context) error {
	p := s.targets[0]
	if err := s.api.locate(ctx, p); err != nil {
		return err
	}
	if p.coupling != nil {
		s.pipeline = pipeline{ID: p.coupling.Pipeline.ID, Name: p.coupling.Pipeline.Name}
	}
	return nil
}

// findPipeline finds the pipeline that is declared, or else the source's.
func (s *observed) findPipeline(ctx context.Context) error {
	participants := s.participants()
	i := slices.IndexFunc(participants, func(p *participant) bool { return p.place.Pipeline != "" })
	if i < 0 {
		return s.pipelineOf(ctx, s.source)
	}
	name := participants[i].place.Pipeline
	err := s.api.get(ctx, path("pipelines", name), asked{id: name}, &s.pipeline)
	if notFound(err) && slices.ContainsFunc(participants, func(p *participant) bool { return p.place.Couple }) {
		s.create = name
		return nil
	}
	return err
}

// pipelineOf takes over the pipeline that an app belongs to, if any.
func (s *observed) pipelineOf(ctx context.Context, p *participant) error {
	c, err := s.api.couplingOf(ctx, p.place.App, asked{})
	if invisible(err) {
		return nil // said of the app itself, when it is looked at
	}
	s.pipeline, s.found = pipeline{ID: c.Pipeline.ID, Name: c.Pipeline.Name}, c.App.ID
	return err
}

// sameApp doubts a pipeline that was found by the coupling of another app than
// the source.
func (s *observed) sameApp() error {
	if s.found == "" || s.source.app.ID == "" || s.found == s.source.app.ID {
		return nil
	}
	return doubted(couplingRequest(s.source), "", another("app", s.source.app.ID, s.found))
}

func couplingRequest(p *participant) request {
	return request{method: http.MethodGet, path: path("apps", p.place.App, "pipeline-couplings")}
}

// members lists the pipeline's apps by name and by id.
func (c *client) members(ctx context.Context, of pipeline) (map[string]*participant, error) {
	couplings, err := c.couplings(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	byID := map[string]*coupling{}
	ids := make([]string, len(couplings))
	for i, one := range couplings {
		one.Pipeline = named{ID: of.ID, Name: of.Name}
		byID[one.App.ID], ids[i] = &one, one.App.ID
	}
	all := map[string]*participant{}
	for chunk := range slices.Chunk(ids, batch) {
		apps, err := c.apps(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, a := range apps {
			if byID[a.ID] == nil {
				continue // not one that was asked for
			}
			p := &participant{app: a, coupling: byID[a.ID]}
			all[a.Name], all[a.ID] = p, p
		}
	}
	return all, nil
}

// locate reads one app by itself.
func (c *client) locate(ctx context.Context, p *participant) error {
	if err := c.get(ctx, path("apps", p.place.App), asked{id: p.place.App}, &p.app); err != nil {
		if !invisible(err) {
			return err
		}
		x := explain(err)
		p.missing, p.remedy = fmt.Sprintf("app %s cannot be used: %v (request id %s)", p.place.App, err, x.RequestID), x.Remedy
		return nil
	}
	in, err := c.couplingOf(ctx, p.app.ID, asked{app: p.app.ID})
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	p.coupling = &in
	return nil
}

// run reads what the usable apps run. Of several targets the pipeline's list tells
// most, of the source too: what it runs is asked once more before it is promoted.
func (s *observed) run(ctx context.Context) error {
	var latest map[string]*release
	if s.pipeline.ID != "" && len(s.targets) > 1 {
		var err error
		if latest, err = s.api.latest(ctx, s.pipeline.ID); err != nil {
			return err
		}
	}
	return each(ctx, s.atOnce, s.participants(), func(ctx context.Context, p *participant) error {
		if p.missing != "" {
			return nil
		}
		if r := latest[p.app.ID]; r != nil && r.runs() {
			p.newest, p.running = r, r
			return nil
		}
		var err error
		p.newest, p.running, err = s.api.stands(ctx, p.app.ID)
		return err
	})
}
