package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sluice/internal/actions"
	"sluice/internal/engine"
	"sluice/internal/store/open"
	"sluice/internal/view"
	"sluice/pipeline"
)

// matrixJob is one entry of the output `matrix`, for strategy.matrix of a job.
type matrixJob struct {
	Shard   string `json:"shard"`
	Targets string `json:"targets"`
}

// matrixOf deals targets out to so many jobs, 0 for as many as there can be. It looks at the
// pipeline file alone: a shard holds the same targets whenever it is run.
func matrixOf(p *pipeline.Pipeline, targets []*pipeline.Target, n int) (string, error) {
	most := engine.Groups(p, targets)
	if n < 0 || n > engine.MaxShards {
		return "", usage(fmt.Errorf("--shards is %d; a matrix has 1 to %d jobs", n, engine.MaxShards))
	}
	if n == 0 || n > most {
		n = most
	}
	jobs := make([]matrixJob, 0, n)
	for i, share := range engine.Shards(p, targets, n) {
		names := make([]string, len(share))
		for j, t := range share {
			names[j] = t.Name.Value
		}
		jobs = append(jobs, matrixJob{Shard: fmt.Sprintf("%d/%d", i+1, n), Targets: strings.Join(names, ",")})
	}
	text, err := json.Marshal(map[string]any{"include": jobs})
	return string(text), err
}

// takeShard keeps the share of the targets that --shard i/N names.
func (inv *invocation) takeShard(p *pipeline.Pipeline, req *engine.Promotion) error {
	if inv.flags.shard == "" {
		return nil
	}
	i, n, err := parseShard(inv.flags.shard)
	if err != nil {
		return usage(err)
	}
	all := req.Targets
	id, err := shardedID(inv.runner, inv.flags.promotion, req.Stage, all)
	if err != nil {
		return err
	}
	run, err := workflowRun(inv.runner)
	if err != nil {
		return err
	}
	req.Targets = engine.Shards(p, all, n)[i-1]
	if len(req.Targets) == 0 {
		inv.console.Progress("", fmt.Sprintf("shard %s has no targets: they make %d shards at most", inv.flags.shard, engine.Groups(p, all)))
	}
	members := make([]string, len(all))
	for j, t := range all {
		members[j] = t.Name.Value
	}
	req.Shard = &engine.Shard{Promotion: id, Members: members, Run: run, Count: n}
	return nil
}

// parseShard reads i/N, 1 ≤ i ≤ N.
func parseShard(text string) (i, n int, err error) {
	left, right, ok := strings.Cut(text, "/")
	i, errI := strconv.Atoi(left)
	n, errN := strconv.Atoi(right)
	if !ok || errI != nil || errN != nil || i < 1 || i > n || n > engine.MaxShards {
		return 0, 0, fmt.Errorf("--shard is %q; write i/N with 1 ≤ i ≤ N ≤ %d, such as 2/4", text, engine.MaxShards)
	}
	return i, n, nil
}

// shardedID is the promotion that the shards of this workflow run make up.
func shardedID(runner *actions.Runner, promotion string, stage *pipeline.Stage, targets []*pipeline.Target) (string, error) {
	if promotion != "" {
		return promotion, nil
	}
	run, err := workflowRun(runner)
	if err != nil {
		return "", err
	}
	if !runner.Inside() {
		return "", usage(errors.New("outside a workflow run nothing tells which shards belong together; say --promotion ID, the same for every shard and for collect"))
	}
	if run == "" {
		return "", usage(errors.New("act gives every run the same id, so nothing tells which shards belong together; run act with --env GITHUB_RUN_ID=NUMBER, or say --promotion ID, the same for every shard and for collect"))
	}
	return engine.ShardedID(run, stage.Name.Value, targets), nil
}

// workflowRun names the workflow run whose job this is; "" where there is none, or
// nothing tells it from others.
func workflowRun(runner *actions.Runner) (string, error) {
	run, err := runner.Context()
	if err != nil || !runner.Inside() || sharedRunID(run) {
		return "", err
	}
	return fmt.Sprintf("%s/%d", run.Repository, run.RunID), nil
}

// besideEachOther prepares the state for jobs that save side by side, or gathers what
// they saved.
func (inv *invocation) besideEachOther(ctx context.Context, p *pipeline.Pipeline, do func(context.Context, open.Spec, string) error) error {
	saving, done := inv.within(ctx, true)
	defer done()
	return do(saving, inv.stores.spec(p, inv.flags.storeName(p)), p.Name.Value)
}

// collectCommand merges what the shards of a promotion came to.
func collectCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "collect --to STAGE", Short: "Merge the shards of a promotion: its outputs and its summary",
		Example: `  sluice collect --to production   # in the job after those of the matrix`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inv.move(cmd.Context(), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Outcome, error) {
				req, err := inv.flags.toPromote(p)
				if err != nil {
					return view.Outcome{}, err
				}
				id, err := shardedID(inv.runner, inv.flags.promotion, req.Stage, req.Targets)
				if err != nil {
					return view.Outcome{}, err
				}
				out, err := e.Collect(ctx, id, req)
				if err != nil {
					return out, err
				}
				return out, inv.besideEachOther(ctx, p, open.Gather)
			})
		},
	}
	s := cmd.Flags()
	s.StringVar(&inv.flags.to, "to", "", "the `stage` that the shards promoted to")
	s.StringVar(&inv.flags.from, "from", "", "the `stage` that the shards promoted from, if they were told")
	s.StringVar(&inv.flags.release, "release", "", "the release that the shards promoted, if they were told")
	s.Var(list{&inv.flags.targets}, "target", "only these targets, as the shards had it")
	s.Var(list{&inv.flags.components}, "component", "only these components, as the shards had it")
	s.StringVar(&inv.flags.promotion, "promotion", "", "the promotion of the shards (in a workflow run it is known)")
	return cmd
}
