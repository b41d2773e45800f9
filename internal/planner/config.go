package planner

import (
	"context"
	"time"

	"sluice/internal/platform"
	"sluice/internal/work"
	"sluice/pipeline"
	"sluice/rollout"
	"sluice/stages/driver"
)

// Platform is what planning asks of platforms. All of it only reads; each thing
// is read once an invocation and retried below. Errors carry the driver's
// explanation.
type Platform interface {
	// Facts are a platform's; zero where there is no such platform.
	Facts(platform string) driver.Facts
	AskedAs(t driver.Target) string
	// Live is what runs on targets now, in their order.
	Live(ctx context.Context, targets []driver.Target) []Reading
	// Resolve finds a release by what a person may call it, within t's reach.
	Resolve(ctx context.Context, t driver.Target, id string) (driver.Release, error)
	Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error)
	// CodeOf classifies an error of the calls above; RetryAfter is the platform's
	// word on when to try again, 0 for none; Busy reports that somebody else is
	// changing the target.
	CodeOf(err error) driver.Code
	RetryAfter(err error) time.Duration
	Busy(err error) bool
}

// Reading is what a target runs, or why nobody can tell.
type Reading = platform.Reading

// Checks says whether checks can run in this place at all.
type Checks interface {
	Preflight(rollout.Gate) error
}

// Invocation is who plans, and what makes a re-run of it the same.
type Invocation struct {
	Actor   rollout.Actor
	Origin  string // repository, run id, job, step; "" where nothing makes a re-run the same
	Attempt int    // of the run; 0 where there are none
	Commit  string // of the pipeline file; "" where nobody knows
}

// Config is what plans are made with.
type Config struct {
	Pipeline *pipeline.Pipeline
	Platform Platform
	Checks   Checks // nil: checks are not looked at
	Work     *work.Work
	Setting  rollout.Setting
	// Reviews are who approved an environment in this run, as GitHub says; nil for
	// nobody.
	Reviews func(environment string) []rollout.Voter
	Invocation
}
