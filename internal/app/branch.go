package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/planner"
	"sluice/internal/store"
	"sluice/pipeline"
)

// mayChange refuses, in Actions, to change state in a store from a branch that the
// pipeline file does not allow: by default all but the repository's default
// branch. A file store is the machine's own, and the sandbox is nobody's. Where
// the run may, what it should know of the store is said.
func (inv *invocation) mayChange(ctx context.Context, p *pipeline.Pipeline, where string) error {
	if !inv.runner.Inside() || inv.flags.sandbox || strings.HasPrefix(where, pipeline.StoreFile) {
		return nil
	}
	run, err := inv.runner.Context()
	if err != nil {
		return err
	}
	h, err := inv.github.home(ctx, p, run)
	if err != nil {
		return err
	}
	if len(h.refs) > 0 && !h.refs.Allow(run.Ref) {
		return planner.Refuse(
			fmt.Sprintf("this run is of %s, and only runs of %s may change the state", run.Ref, strings.Join(h.refs, ", ")),
			h.allowing(run.Ref))
	}
	inv.warnPublic(where, h.visibility)
	if where == pipeline.StoreArtifact {
		inv.cautions.say(inv.console.Progress, "state in artifacts cannot be swapped: only a concurrency group of the workflow keeps two runs from moving one target at a time")
	}
	return nil
}

// home is what a run's repository has to say about its state.
type home struct {
	refs       actions.Refs // whose runs may change it; none under act where nothing tells the default branch
	visibility string       // "" where nothing tells it
}

// allowing says how runs of a ref come to change the state. Those of a pull request
// are whoever opened it.
func (h home) allowing(ref string) string {
	const there = "run the workflow there"
	name, branch := strings.CutPrefix(ref, "refs/heads/")
	if !branch && !strings.HasPrefix(ref, "refs/tags/") {
		return there
	}
	return there + fmt.Sprintf(", or list it in the pipeline file: state: {refs: [%s]}", strings.Join(append(slices.Clone(h.refs), name), ", "))
}

// home takes what it can from the pipeline file and the run, and asks GitHub
// for the default branch where neither knows it.
func (r repository) home(ctx context.Context, p *pipeline.Pipeline, run actions.Context) (home, error) {
	h := home{refs: p.State.Refs, visibility: run.Visibility}
	if len(h.refs) > 0 {
		return h, nil
	}
	if run.DefaultBranch != "" {
		h.refs = actions.Refs{run.DefaultBranch}
		return h, nil
	}
	if run.Act {
		return h, nil
	}
	client, err := r.runner.GitHub()
	if err != nil {
		return h, unknownBranch(err)
	}
	reading, done := r.within(ctx, false)
	defer done()
	repository, err := client.Repository(reading)
	if err != nil {
		return h, unknownBranch(err)
	}
	return home{refs: actions.Refs{repository.DefaultBranch}, visibility: repository.Visibility}, nil
}

func unknownBranch(err error) error {
	return &store.UnreadableError{
		Op: "write", Err: fmt.Errorf("the repository's default branch is not known: %w", err),
		Remedy: "pass the input token, or list the branches in state.refs of the pipeline file",
	}
}

// warnPublic says that state in a public repository can be read by all.
func (inv *invocation) warnPublic(where, visibility string) {
	if text := publicly(where, visibility); text != "" {
		inv.cautions.say(inv.console.Warn, text)
	}
}

// publicly says who can read state in a public repository; "" where it is the
// repository's or the machine's alone.
func publicly(where, visibility string) string {
	if visibility != "public" || (where != pipeline.StoreArtifact && where != pipeline.StoreGit) {
		return ""
	}
	return fmt.Sprintf("the repository is public, and state in %s is as readable as it is: releases, stage variables that a rollback needs, approvals; "+
		"keep it in a bucket (state: {store: s3://bucket/prefix}) where that is too much", where)
}

// once says a thing once in an invocation.
type once struct{ said []string }

func (o *once) say(how func(target, text string), message string) {
	if slices.Contains(o.said, message) {
		return
	}
	o.said = append(o.said, message)
	how("", message)
}
