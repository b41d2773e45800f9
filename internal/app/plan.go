package app

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/planner"
	"sluice/internal/publish"
	"sluice/internal/store/open"
	"sluice/internal/view"
	"sluice/pipeline"
)

func planCommand(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan [STAGE]", Short: "What a command would do, target by target; changes nothing",
		Long: `Plan reads what promote would read, and changes nothing: which release each
target gets and from where, its phases, the requests of the first effect, and
what they change. Exit 4 where the promotion would be refused. What other commands
would do is planned by their names.`,
		Example: `  sluice plan production
  sluice plan rollback api
  sluice plan --to production --matrix --shards 8   # the matrix of a fleet's jobs`,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPlan(cmd.Context(), inv) },
	}
	takes(cmd, "to", 1)
	inv.flags.promoting(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.matrix, "matrix", false, "write the output matrix: a job per shard of the targets")
	cmd.Flags().IntVar(&inv.flags.shards, "shards", 0, "how many shards the matrix has at most (default one per group of targets)")
	cmd.AddCommand(
		planOf(inv, promoteCommand(inv), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Plan, error) {
			req, err := inv.flags.toPromote(p)
			if err != nil {
				return view.Plan{}, err
			}
			return e.Plan(ctx, req)
		}),
		planOf(inv, promoteCanaryCommand(inv), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Plan, error) {
			req, err := inv.flags.toPromoteCanary(p)
			if err != nil {
				return view.Plan{}, err
			}
			return e.PlanCanary(ctx, req)
		}),
		planOf(inv, rollbackCommand(inv), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Plan, error) {
			req, err := inv.flags.toGoBack(p)
			if err != nil {
				return view.Plan{}, err
			}
			return e.PlanRollback(ctx, req)
		}),
		planOf(inv, disableCanaryCommand(inv), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Plan, error) {
			t, options, err := inv.flags.onlyTarget(p, "disable-canary")
			if err != nil {
				return view.Plan{}, err
			}
			return e.PlanDisableCanary(ctx, engine.CanaryRemoval{Target: t, Options: options})
		}),
		planOf(inv, cancelCommand(inv), func(ctx context.Context, e *engine.Engine, p *pipeline.Pipeline) (view.Plan, error) {
			targets, err := inv.flags.selected(p)
			if err != nil {
				return view.Plan{}, err
			}
			return e.PlanCommand(ctx, engine.Order{Command: planner.CommandCancel, Targets: targets, Promotion: inv.flags.promotion})
		}),
	)
	return cmd
}

// planning finds out what a command would do.
type planning func(context.Context, *engine.Engine, *pipeline.Pipeline) (view.Plan, error)

// planOf makes of a command one that only plans it: with its words and flags.
func planOf(inv *invocation, cmd *cobra.Command, plan planning) *cobra.Command {
	cmd.Short, cmd.Long, cmd.Example = "What "+cmd.Name()+" would do", "", ""
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := inv.one(cmd.Context())
		if err != nil {
			return err
		}
		return inv.tellPlan(cmd.Context(), p, plan, "")
	}
	return cmd
}

func runPlan(ctx context.Context, inv *invocation) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	req, err := inv.flags.toPromote(p)
	if err != nil {
		return err
	}
	matrix := ""
	if inv.flags.matrix {
		if matrix, err = matrixOf(p, req.Targets, inv.flags.shards); err != nil {
			return err
		}
		if err := inv.besideEachOther(ctx, p, open.Pin); err != nil {
			return err
		}
	}
	return inv.tellPlan(ctx, p, func(ctx context.Context, e *engine.Engine, _ *pipeline.Pipeline) (view.Plan, error) {
		return e.Plan(ctx, req)
	}, matrix)
}

// tellPlan makes a plan and keeps it as what the command came to.
func (inv *invocation) tellPlan(ctx context.Context, p *pipeline.Pipeline, make planning, matrix string) error {
	var plan view.Plan
	err := inv.use(ctx, p, func(e *engine.Engine) (err error) {
		plan, err = make(ctx, e, p)
		return err
	})
	if err != nil {
		return err
	}
	inv.github.between(ctx, plan)
	out := view.Outcome{Status: view.Succeeded, Release: plan.Release()}
	if plan.Refused() {
		out.Status = view.Refused
	}
	permissions := permissions(inv.flags.sandbox, inv.flags.storeName(p), p)
	text := shown(inv, plan).Text(permissions)
	inv.announcer().publishPlan(ctx, p, out, inv.flags.says(inv.command), text)
	inv.result = &result{pipeline: p, matrix: matrix, outcome: out, text: text, summary: true, extra: map[string]any{
		"targets": plan.Targets, "findings": plan.Findings, "identities": plan.Identities, "permissions": permissions,
	}}
	return nil
}

// permissions are what the job's token needs.
func permissions(sandbox bool, where string, p *pipeline.Pipeline) []string {
	if sandbox {
		return nil
	}
	list := append(readsState(where, p), publish.Permissions(p)...)
	if p.ShowsToken() {
		list = append(list, "id-token: write")
	}
	return list
}

// readsState are the permissions that state and reviews need.
func readsState(where string, p *pipeline.Pipeline) []string {
	switch {
	case where == pipeline.StoreGit:
		return []string{"actions: read", "contents: write"}
	case where == pipeline.StoreArtifact, len(planner.Environments(slices.Collect(p.All()))) > 0:
		return []string{readsReviews}
	default:
		return nil
	}
}
