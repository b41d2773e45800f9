package app

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"sluice/internal/actions"
	"sluice/internal/app/environment"
	"sluice/internal/ledger"
	"sluice/internal/outside"
	"sluice/internal/store"
	"sluice/internal/store/open"
	"sluice/internal/view"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
)

// stores are where states of pipelines are kept.
type stores struct {
	flags     *flags
	env       *environment.Environment
	runner    *actions.Runner
	clock     work.Clock
	process   *open.Process
	transport func() http.RoundTripper
	before    func(store.Store) store.Store // stands before every store; nil for nothing
	opened    []store.Store                 // those that were worked with, for the output `state`
}

// open opens the pipeline's state.
func (s *stores) open(p *pipeline.Pipeline) (store.Store, error) {
	return s.openAs(p, "--store", s.flags.storeName(p))
}

// openAs opens a store by its name in the pipeline file, or as flag has it.
// It makes no connection yet.
func (s *stores) openAs(p *pipeline.Pipeline, flag, where string) (store.Store, error) {
	if err := pipeline.CheckStore(where); err != nil {
		return nil, usage(fmt.Errorf("%s: %w", flag, err))
	}
	opened, err := open.Open(s.spec(p, where))
	var wrong *open.Error
	if errors.As(err, &wrong) {
		return nil, usage(err)
	}
	if err == nil && s.before != nil {
		opened = s.before(opened)
	}
	return opened, err
}

// spec is how the pipeline's state is opened in a store.
func (s *stores) spec(p *pipeline.Pipeline, where string) open.Spec {
	return open.Spec{
		Store: where, Branch: p.State.Branch, Endpoint: p.State.Endpoint.Value, Refs: p.State.Refs,
		Shard: s.flags.shard, Join: ledger.Both,
		Process: s.process, Transport: s.transport(), Runner: s.runner, Clock: s.clock, Getenv: s.env.Own, Describe: s.describe, Warn: s.runner.Warning,
	}
}

// describe is what a saved record says happened last, for a store that keeps a log
// of its saves.
func (s *stores) describe(entry store.Entry) string {
	if entry.Key.Kind != store.KindTarget {
		return ""
	}
	r, err := rollout.Decode[rollout.Record](entry.Data)
	if err != nil {
		return ""
	}
	for _, e := range slices.Backward(r.Events) {
		if text := view.Event(e); text != "" {
			return outside.Line(s.runner.Redact(text))
		}
	}
	return ""
}
