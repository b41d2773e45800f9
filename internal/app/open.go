package app

import (
	"context"
	"fmt"
	"net/http"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/actions"
	"sluice/internal/app/console"
	"sluice/internal/check"
	"sluice/internal/engine"
	"sluice/internal/guard"
	"sluice/internal/ledger"
	"sluice/internal/ledger/process"
	"sluice/internal/platform"
	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/sandbox/identity"
	"sluice/internal/sandbox/measured"
	"sluice/internal/store/limit"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// sandboxDir keeps what --sandbox rehearses, below the working directory.
const sandboxDir = ".sluice/sandbox"

// startSandbox starts the emulators where --sandbox asks for them. Platforms and
// checks are led there; the store stays the user's, with the user's own keys.
func (inv *invocation) startSandbox(ctx context.Context, pipelines []*pipeline.Pipeline) error {
	faults, err := inv.flags.inSandbox()
	if err != nil {
		return err
	}
	if !inv.flags.sandbox {
		return nil
	}
	server, sources, err := inv.emulate(ctx, pipelines, faults, "")
	if err != nil {
		return err
	}
	inv.env.Lead(server.Env())
	if sources != nil {
		inv.reach = func(next http.RoundTripper) http.RoundTripper { return sources.Transport(server.Beside(), next) }
	}
	return nil
}

// emulate serves the platforms, and what the pipelines' checks ask: nil where they ask
// nothing.
func (inv *invocation) emulate(ctx context.Context, pipelines []*pipeline.Pipeline, faults []sandbox.Fault, listen string) (*sandbox.Server, *measured.Sources, error) {
	script, err := measured.ReadScript(filepath.Join(sandboxDir, "metrics.json"))
	if err != nil {
		return nil, nil, usage(err)
	}
	ofPlatforms := slices.DeleteFunc(slices.Clone(faults), sandbox.Fault.OfChecks)
	ofChecks := slices.DeleteFunc(slices.Clone(faults), func(f sandbox.Fault) bool { return !f.OfChecks() })
	sources, err := measured.New(measured.Options{Pipelines: pipelines, Script: script, Faults: ofChecks, Now: inv.Clock.Now, Getenv: inv.env.Get})
	if err != nil {
		return nil, nil, usage(err)
	}
	options := sandbox.Options{
		Dir: sandboxDir, Pipelines: pipelines, Emulators: emulators.Emulators(inv.Clock.Now), Faults: ofPlatforms, Kill: inv.Kill, Listen: listen,
	}
	if sources != nil {
		options.Beside = sources
	}
	if who := identity.New(pipelines, work.System().Now, func(text string) { inv.console.Progress("", "sandbox: "+text) }); who != nil {
		options.Identity = who
	}
	server, err := sandbox.Start(context.WithoutCancel(ctx), options)
	if err != nil {
		return nil, nil, usage(err)
	}
	inv.closers = append(inv.closers, server.Close)
	return server, sources, nil
}

// inSandbox is what goes wrong in the sandbox.
func (f *flags) inSandbox() ([]sandbox.Fault, error) {
	if len(f.sandboxFaults) > 0 && !f.sandbox {
		return nil, usage(fmt.Errorf("--sandbox-fault needs --sandbox: nothing goes wrong on purpose on a real platform"))
	}
	faults := make([]sandbox.Fault, 0, len(f.sandboxFaults))
	for _, text := range f.sandboxFaults {
		f, err := sandbox.ParseFault(text)
		if err != nil {
			return nil, usage(err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// use has something done with an engine for a pipeline. What it holds is let go
// of afterwards; that this failed is joined to the error.
func (inv *invocation) use(ctx context.Context, p *pipeline.Pipeline, do func(*engine.Engine) error) error {
	opened, err := inv.stores.open(p)
	if err != nil {
		return err
	}
	inv.stores.opened = append(inv.stores.opened, opened)
	run, err := inv.runner.Context()
	if err != nil {
		return err
	}
	inv.console.Begin(p, inv.flags.debug, inv.picture(p))
	w := inv.begin(ctx, p)
	defer w.End()
	held := ledger.Open(ctx, ledger.Config{
		Store: limit.New(opened, inv.Clock, inv.within), Pipeline: p.Name.Value, Digest: p.Digest, History: p.State.History,
		Run: inv.identity(run), Over: inv.github.over, Redact: inv.runner.Redact, Anew: inv.command == importCommand, Work: w,
	})
	defer inv.console.KeepTelling(ctx, inv.Clock)()
	e := engine.New(inv.config(p, run, held, w))
	err = guard.Do("run the command", func() error { return do(e) })
	return ledger.Join(err, guard.Do("let go of what this run holds", held.Close))
}

// picture is the table of a pipeline's targets on a terminal; nil where lines are told:
// in Actions too, and where every request is shown, or what stands.
func (inv *invocation) picture(p *pipeline.Pipeline) *console.Picture {
	if inv.flags.debug || inv.runner.Inside() || inv.flags.watch {
		return nil
	}
	return console.NewPicture(inv.terminal, inv.env.Get, inv.Clock.Now, p, inv.console.Plain)
}

// begin starts the time of a command.
func (inv *invocation) begin(ctx context.Context, p *pipeline.Pipeline) *work.Work {
	return work.Begin(ctx, inv.Clock, work.Limits{Budget: inv.flags.waitBudget, Inline: inv.flags.inlineWait, Places: inv.flags.atOnce(p)})
}

// placesInWaves is how many targets are worked on at once where the file says,
// by waves, how many may be touched before the next are.
const placesInWaves = 64

// atOnce is how many targets of p are worked on at once; 0 for the default.
func (f *flags) atOnce(p *pipeline.Pipeline) int {
	waves := func(s *pipeline.Stage) bool { return s.Waves != nil }
	if f.concurrency == 0 && slices.ContainsFunc(p.Stages, waves) {
		return placesInWaves
	}
	return f.concurrency
}

// config is what an engine works with.
func (inv *invocation) config(p *pipeline.Pipeline, run actions.Context, held *ledger.Ledger, w *work.Work) engine.Config {
	platforms := platform.Open(platform.Config{Env: inv.ofDrivers(), Platforms: inv.platforms, As: platformsAs(p, inv.env.Led()), Redact: inv.runner.Redact})
	facts := held.Facts()
	return engine.Config{
		Pipeline: p,
		Platform: platforms.During(w),
		Checks:   inv.checks(p),
		Reviews:  inv.github,
		Ledger:   held,
		Work:     w,
		Notify:   inv.noticed,
		Deeds:    inv.recorder != nil,

		Run: inv.identity(run), Actor: inv.actor(run), Verified: inv.runner.Inside(), Origin: originOf(inv.runner.Inside(), run), Commit: run.SHA,
		Workflow: inv.workflows.line,
		Member:   inv.github.isInTeam, LeaseWait: inv.flags.leaseWait, Policies: inv.flags.overrides(), Identifies: facts.Identity,
	}
}

// checks run the pipeline file's hooks and gates. Under --sandbox they too
// reach the emulators; the runner's own token is none of their business.
func (inv *invocation) checks(p *pipeline.Pipeline) *check.Runner {
	transport := inv.transport()
	if inv.reach != nil {
		transport = inv.reach(transport)
	}
	return &check.Runner{
		Environ: inv.env.OfPrograms(), Transport: transport, Now: inv.Clock.Now, Sleep: inv.Clock.Sleep, Log: inv.console.Log, Redact: inv.runner.Redact, Mask: inv.runner.Mask,
		As: checksAs(p, inv.facts(), inv.env.Led()), Sessions: inv.sessions,
	}
}

// ofDrivers is the drivers' view of the world. Credentials that the sandbox hands out
// are no secrets.
func (inv *invocation) ofDrivers() driver.Env {
	secret := func(value string) {
		if !inv.env.Imitated(value) {
			inv.runner.Mask(value)
		}
	}
	return driver.Env{Getenv: inv.env.Get, Now: inv.Clock.Now, Transport: inv.transport(), Sessions: inv.sessions, Secret: secret}
}

// actor is who started this invocation, why, and what they pass.
func (inv *invocation) actor(run actions.Context) rollout.Actor {
	f := inv.flags
	a := rollout.Actor{Login: run.Actor, RunURL: run.RunURL, Reason: f.reason, Overrides: f.overrides()}
	if a.Reason == "" {
		a.Reason = f.comment
	}
	if inv.runner.Inside() {
		a.Person = isPerson(run) || isVote(inv.command) && isSaid(run)
		return a
	}
	a.Person = !inv.env.Unattended()
	a.Login = localUser()
	return a
}

func localUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "local"
}

// isPerson reports whether a run of GitHub Actions was started by a person.
// Everything else is automation, whoever GitHub names as its actor.
func isPerson(run actions.Context) bool {
	switch run.EventName {
	case eventDispatch, eventRepository, eventRelease:
		return run.Actor != "" && !isBot(run)
	default:
		return false
	}
}

// identity is who this run is to others: its name is the same for every attempt.
func (inv *invocation) identity(run actions.Context) rollout.Run {
	if inv.self.ID == "" {
		inv.self = inv.Self()
	}
	self := inv.self
	self.Actor, self.RunURL = inv.actor(run).Login, run.RunURL
	if !inv.runner.Inside() || sharedRunID(run) {
		return self
	}
	self.Name, self.Attempt = fmt.Sprintf("%s/runs/%d/%s", run.Repository, run.RunID, run.Job), int(run.Attempt)
	if inv.flags.shard != "" {
		self.Name += "/" + inv.flags.shard
	}
	return self
}

// sharedRunID reports whether the run id tells nothing: act gives every run the
// same one.
func sharedRunID(run actions.Context) bool {
	return run.Act && run.RunID <= 1
}

// originOf is what makes a re-run of a step the same; "" where nothing does.
func originOf(inside bool, run actions.Context) string {
	if !inside || sharedRunID(run) {
		return ""
	}
	return strings.Join([]string{run.Repository, strconv.FormatInt(run.RunID, 10), run.Job, run.Step}, "\n")
}

// over says what became of another run: its process on this machine, or what
// GitHub says of the workflow run.
func (r repository) over(ctx context.Context, other rollout.Run) (ledger.Fate, error) {
	if fate := process.Here().Fate(other); fate != ledger.Alive {
		return fate, nil
	}
	repository, rest, ok := strings.Cut(other.Name, "/runs/")
	id, err := strconv.ParseInt(strings.Split(rest+"/", "/")[0], 10, 64)
	if !ok || err != nil {
		return ledger.Alive, nil // a process elsewhere: its lease ends by itself
	}
	return r.runOver(ctx, repository, id, other.Attempt)
}

// runOver asks GitHub about an attempt of a workflow run. An earlier attempt than
// the newest is over: a run is repeated only when it is.
func (r repository) runOver(ctx context.Context, repository string, id int64, attempt int) (ledger.Fate, error) {
	client, err := r.runner.GitHub()
	if err != nil {
		return ledger.Alive, err
	}
	if own := client.Owner + "/" + client.Name; own != repository {
		return ledger.Alive, fmt.Errorf("this run's token is for %s", own)
	}
	reading, done := r.within(ctx, false)
	defer done()
	run, _, err := client.Actions.GetWorkflowRunByID(reading, client.Owner, client.Name, id)
	switch {
	case err != nil:
		return ledger.Alive, err
	case run.GetStatus() == "completed", attempt > 0 && run.GetRunAttempt() > attempt:
		return ledger.Over, nil
	default:
		return ledger.Alive, nil
	}
}
