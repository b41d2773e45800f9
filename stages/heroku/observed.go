package heroku

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/internal/guard"
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
func observedOf(c driver.Call) (*observed, error) {
	s := &observed{}
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
func (h *heroku) look(ctx context.Context, s *observed) error {
	if s.source == nil && s.targets[0].place.Pipeline == "" {
		return h.lookAtOne(ctx, s)
	}
	if err := h.findPipeline(ctx, s); err != nil {
		return err
	}
	var members map[string]*participant
	if s.pipeline.ID != "" && s.source != nil {
		var err error
		members, err = h.members(ctx, s.pipeline)
		if notFound(err) && s.found != "" {
			return doubted(couplingRequest(s.source), "", fmt.Sprintf("it names pipeline %s, and there is none", s.pipeline.ID))
		}
		if err != nil {
			return err
		}
	}
	err := each(ctx, h.atOnce, s.participants(), func(ctx context.Context, p *participant) error {
		if found := members[p.place.App]; found != nil {
			p.app, p.coupling = found.app, found.coupling
			return nil
		}
		return h.locate(ctx, p)
	})
	if err != nil {
		return err
	}
	return s.sameApp()
}

// lookAtOne reads an app whose pipeline nobody declares.
func (h *heroku) lookAtOne(ctx context.Context, s *observed) error {
	p := s.targets[0]
	if err := h.locate(ctx, p); err != nil {
		return err
	}
	if p.coupling != nil {
		s.pipeline = pipeline{ID: p.coupling.Pipeline.ID, Name: p.coupling.Pipeline.Name}
	}
	return nil
}

// findPipeline finds the pipeline that is declared, or else the source's.
func (h *heroku) findPipeline(ctx context.Context, s *observed) error {
	participants := s.participants()
	i := slices.IndexFunc(participants, func(p *participant) bool { return p.place.Pipeline != "" })
	if i < 0 {
		return h.pipelineOf(ctx, s, s.source)
	}
	name := participants[i].place.Pipeline
	err := h.get(ctx, path("pipelines", name), asked{id: name}, &s.pipeline)
	if notFound(err) && slices.ContainsFunc(participants, func(p *participant) bool { return p.place.Couple }) {
		s.create = name
		return nil
	}
	return err
}

// pipelineOf takes over the pipeline that an app belongs to, if any.
func (h *heroku) pipelineOf(ctx context.Context, s *observed, p *participant) error {
	c, err := h.couplingOf(ctx, p.place.App, asked{})
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
func (h *heroku) members(ctx context.Context, of pipeline) (map[string]*participant, error) {
	couplings, err := h.couplings(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	byID := map[string]*coupling{}
	ids := make([]string, len(couplings))
	for i, c := range couplings {
		c.Pipeline = named{ID: of.ID, Name: of.Name}
		byID[c.App.ID], ids[i] = &c, c.App.ID
	}
	all := map[string]*participant{}
	for chunk := range slices.Chunk(ids, batch) {
		apps, err := h.apps(ctx, chunk)
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
func (h *heroku) locate(ctx context.Context, p *participant) error {
	if err := h.get(ctx, path("apps", p.place.App), asked{id: p.place.App}, &p.app); err != nil {
		if !invisible(err) {
			return err
		}
		x := explain(err)
		p.missing, p.remedy = fmt.Sprintf("app %s cannot be used: %v (request id %s)", p.place.App, err, x.RequestID), x.Remedy
		return nil
	}
	c, err := h.couplingOf(ctx, p.app.ID, asked{app: p.app.ID})
	if notFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	p.coupling = &c
	return nil
}

// run reads what the usable apps run. Of several targets the pipeline's list tells
// most, of the source too: what it runs is asked once more before it is promoted.
func (h *heroku) run(ctx context.Context, s *observed) error {
	var latest map[string]*release
	if s.pipeline.ID != "" && len(s.targets) > 1 {
		var err error
		if latest, err = h.latest(ctx, s.pipeline.ID); err != nil {
			return err
		}
	}
	return each(ctx, h.atOnce, s.participants(), func(ctx context.Context, p *participant) error {
		if p.missing != "" {
			return nil
		}
		if r := latest[p.app.ID]; r != nil && r.runs() {
			p.newest, p.running = r, r
			return nil
		}
		var err error
		p.newest, p.running, err = h.stands(ctx, p.app.ID)
		return err
	})
}

// each does f for every item, so many at a time, until one fails.
func each[T any](ctx context.Context, atOnce int, items []T, f func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, item := range items {
		group.Go(func() error { return guard.Do("reading an app", func() error { return f(ctx, item) }) })
	}
	return group.Wait()
}

// is reports whether a declared name or id means the pipeline.
func (p pipeline) is(nameOrID string) bool { return nameOrID == p.ID || nameOrID == p.Name }

// called is the pipeline's name, or its id where the API told no more.
func called(p named) string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

func quoted(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
