package clouddeploy

import (
	"context"
	"fmt"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// checkRun refuses to end a run of a job that is not at work: the rollout says so
// only when the run has ended.
func (d *clouddeploy) checkRun(ctx context.Context, p *draft, name string) error {
	if name == "" || p.refused() {
		return nil
	}
	r, err := d.jobRun(ctx, name)
	if err != nil {
		return err
	}
	if r.State != "IN_PROGRESS" {
		p.refuse(fmt.Sprintf("run %s of job %s is %s; only one that is IN_PROGRESS can be terminated", google.Last(name), r.JobID, r.State), "")
	}
	return nil
}

func (d *clouddeploy) jobRun(ctx context.Context, name string) (run, error) {
	raw, err := d.client.Get(ctx, "v1/"+name)
	if err != nil {
		return run{}, err
	}
	r, err := runOf(raw)
	if err != nil {
		return run{}, fmt.Errorf("reading job run %s: %w", name, err)
	}
	return r, nil
}

// judgeTermination says what became of the command to end a run: what it means for
// the rollout is the rollout's to say, later.
func (d *clouddeploy) judgeTermination(ctx context.Context, result *driver.Result, f frozen) error {
	r, err := d.jobRun(ctx, f.JobRun)
	if err != nil {
		return err
	}
	switch r.State {
	case "TERMINATING", "TERMINATED":
		result.Outcome = driver.Succeeded
	case "SUCCEEDED", "FAILED":
		result.Outcome = driver.Failed
		result.Errors = []driver.Problem{{Code: r.State, Location: "run " + google.Last(f.JobRun), Message: "the run was over before it could be terminated"}}
	}
	return nil
}
