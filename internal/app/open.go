package app

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/check"
	"sluice/internal/old/engine"
	"sluice/internal/old/rollout"
	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/pipeline"
	"sluice/stages"
	"sluice/stages/driver"
)

// sandboxDir keeps what --sandbox rehearses, below the working directory.
const sandboxDir = ".sluice/sandbox"

// startSandbox starts the emulators where --sandbox asks for them, and puts
// them into the environment of this command.
func (inv *invocation) startSandbox(ctx context.Context, pipelines []*pipeline.Pipeline) error {
	faults, err := inv.faults()
	if err != nil {
		return err
	}
	if !inv.flags.sandbox {
		return nil
	}
	server, err := sandbox.Start(context.WithoutCancel(ctx), sandbox.Options{
		Dir: sandboxDir, Pipelines: pipelines, Emulators: emulators.Emulators(inv.Now), Faults: faults, Kill: inv.Kill,
	})
	if err != nil {
		return usage(err)
	}
	inv.closers = append(inv.closers, server.Close)
	inv.sandboxEnv = server.Env()
	maps.Copy(inv.overlay, inv.sandboxEnv)
	return nil
}

func (inv *invocation) faults() ([]sandbox.Fault, error) {
	if len(inv.flags.sandboxFaults) > 0 && !inv.flags.sandbox {
		return nil, usage(fmt.Errorf("--sandbox-fault needs --sandbox: nothing goes wrong on purpose on a real platform"))
	}
	faults := make([]sandbox.Fault, 0, len(inv.flags.sandboxFaults))
	for _, text := range inv.flags.sandboxFaults {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			return nil, usage(err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// engine wires an engine for a pipeline.
func (inv *invocation) engine(p *pipeline.Pipeline) (*engine.Engine, error) {
	state, err := inv.store(p)
	if err != nil {
		return nil, err
	}
	inv.stores = append(inv.stores, state)
	run, err := inv.runner.Context()
	if err != nil {
		return nil, err
	}
	actor := inv.actor(run)
	inv.console.align(p)
	return engine.New(engine.Config{
		Pipeline: p,
		Stages:   stages.New(inv.env(), inv.platforms...),
		Store:    state,
		Checks:   inv.checks(),
		Observer: inv.console,
		Redact:   inv.runner.Redact,
		Now:      inv.Now,
		Actor:    actor,
		Lease:    inv.lease(run, actor.Login),
		Origin:   inv.origin(run),
		Over:     inv.over,

		InlineWait: inv.flags.inlineWait, WaitBudget: inv.flags.waitBudget, Concurrency: inv.flags.concurrency,
		OverridePolicies: inv.flags.overridePolicy,
	}), nil
}

// checks run the pipeline file's hooks and gates. Under --sandbox they too
// reach the emulators; the runner's own token is none of their business.
func (inv *invocation) checks() *check.Runner {
	environ := slices.DeleteFunc(slices.Clone(inv.Environ), func(kv string) bool {
		return strings.HasPrefix(kv, "ACTIONS_RUNTIME_TOKEN=") || strings.HasPrefix(kv, "INPUT_TOKEN=")
	})
	for _, name := range slices.Sorted(maps.Keys(inv.sandboxEnv)) {
		environ = append(environ, name+"="+inv.sandboxEnv[name])
	}
	return &check.Runner{Environ: environ, Transport: inv.transport(), Log: inv.console.Log, Redact: inv.runner.Redact, Mask: inv.runner.Mask}
}

// env is the drivers' view of the world.
func (inv *invocation) env() driver.Env {
	return driver.Env{Getenv: inv.getenv, Now: inv.Now, Transport: inv.transport(), Secret: inv.keep}
}

// actor is who started this invocation.
func (inv *invocation) actor(run actions.Context) engine.Actor {
	if inv.runner.Inside() {
		return engine.Actor{
			Login: run.Actor, Verified: true,
			Automated: run.EventName == "schedule" || strings.HasSuffix(run.Actor, "[bot]"),
		}
	}
	if u, err := user.Current(); err == nil {
		return engine.Actor{Login: u.Username}
	}
	return engine.Actor{Login: "local"}
}

// lease is who this run is to others: the same for every attempt.
func (inv *invocation) lease(run actions.Context, actor string) rollout.Lock {
	if inv.runner.Inside() && !inv.sharedRunID(run) {
		holder := fmt.Sprintf("%s/runs/%d/%s", run.Repository, run.RunID, run.Job)
		if inv.flags.shard != "" {
			holder += "/" + inv.flags.shard
		}
		return rollout.Lock{Holder: holder, RunURL: run.RunURL, Actor: actor}
	}
	host, _ := os.Hostname() // a lease without it still ends
	return rollout.Lock{Holder: fmt.Sprintf("%s%s/%d", localHolder, host, os.Getpid()), Actor: actor}
}

// localHolder begins the holder of a lease that a local process took; its host
// and process id follow.
const localHolder = "local/"

// sharedRunID reports whether the run id tells nothing: act gives every run the
// same one.
func (inv *invocation) sharedRunID(run actions.Context) bool {
	return run.Act && run.RunID <= 1
}

// origin is what makes a re-run of a step the same; "" where nothing does.
func (inv *invocation) origin(run actions.Context) string {
	if !inv.runner.Inside() || inv.sharedRunID(run) {
		return ""
	}
	return strings.Join([]string{run.Repository, strconv.FormatInt(run.RunID, 10), run.Job, run.Step}, "\n")
}

// over reports whether the run behind a lease is known to have ended: a local
// process that is gone, or a workflow run that GitHub says is completed.
func (inv *invocation) over(ctx context.Context, l rollout.Lock) bool {
	if rest, ok := strings.CutPrefix(l.Holder, localHolder); ok {
		return localOver(rest)
	}
	return inv.runOver(ctx, l.Holder)
}

func localOver(hostPID string) bool {
	host, text := filepath.Split(hostPID)
	pid, err := strconv.Atoi(text)
	if here, hostErr := os.Hostname(); err != nil || hostErr != nil || strings.TrimSuffix(host, "/") != here {
		return false
	}
	return gone(pid)
}

// runOver asks GitHub about a workflow run of this repository: "owner/name/runs/ID/job".
func (inv *invocation) runOver(ctx context.Context, holder string) bool {
	repository, rest, ok := strings.Cut(holder, "/runs/")
	id, err := strconv.ParseInt(strings.Split(rest+"/", "/")[0], 10, 64)
	if !ok || err != nil {
		return false
	}
	client, err := inv.runner.GitHub()
	if err != nil || client.Owner+"/"+client.Name != repository {
		return false
	}
	reading, done := inv.within(ctx, false)
	defer done()
	run, _, err := client.Actions.GetWorkflowRunByID(reading, client.Owner, client.Name, id)
	return err == nil && run.GetStatus() == "completed"
}
