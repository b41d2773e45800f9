package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/engine"
	"sluice/internal/store"
	"sluice/pipeline"
	"sluice/stages/driver"
)

// mayChange refuses, in Actions, to change state from a branch that the
// pipeline file does not allow: by default all but the repository's default
// branch. A file store is the machine's own, and the sandbox is nobody's.
func (inv *invocation) mayChange(ctx context.Context, p *pipeline.Pipeline) error {
	where := inv.storeName(p)
	if !inv.runner.Inside() || inv.flags.sandbox || strings.HasPrefix(where, "file:") {
		return nil
	}
	run, err := inv.runner.Context()
	if err != nil {
		return err
	}
	allowed, err := inv.branches(ctx, p, run)
	if err != nil || slices.Contains(allowed, run.Branch) || len(allowed) == 0 {
		return err
	}
	return &engine.RefusedError{Findings: []driver.Finding{{
		Severity: driver.Refuse,
		Message:  fmt.Sprintf("this run is of %s, and only runs of %s may change the state", run.Ref, strings.Join(allowed, ", ")),
		Remedy:   "run the workflow there, or list the branch in state.branches",
	}}}
}

// branches are those whose runs may change state; none under act where nothing
// tells the default branch.
func (inv *invocation) branches(ctx context.Context, p *pipeline.Pipeline, run actions.Context) ([]string, error) {
	if len(p.State.Branches) > 0 {
		return p.State.Branches, nil
	}
	if run.DefaultBranch != "" {
		return []string{run.DefaultBranch}, nil
	}
	if run.Act {
		return nil, nil
	}
	client, err := inv.runner.GitHub()
	if err != nil {
		return nil, unknownBranch(err)
	}
	repository, err := client.Repository(ctx)
	if err != nil {
		return nil, unknownBranch(err)
	}
	return []string{repository.DefaultBranch}, nil
}

func unknownBranch(err error) error {
	return &store.UnreadableError{
		Op: "write", Err: fmt.Errorf("the repository's default branch is not known: %w", err),
		Remedy: "pass the input token, or list the branches in state.branches of the pipeline file",
	}
}

// warnPublic says once that state in a public repository can be read by all.
func (inv *invocation) warnPublic(p *pipeline.Pipeline) {
	where := inv.storeName(p)
	if !inv.runner.Inside() || inv.flags.sandbox || (where != pipeline.StoreArtifact && where != pipeline.StoreGit) {
		return
	}
	run, err := inv.runner.Context()
	if err != nil || run.Visibility != "public" {
		return
	}
	message := fmt.Sprintf("the repository is public, and state in %s is as readable as it is: releases, stage variables that a rollback needs, approvals", where)
	if where == pipeline.StoreArtifact {
		message += "; to keep it apart and lasting, use state: {store: git} in a private repository, or s3"
	}
	inv.runner.Warning(message)
}
