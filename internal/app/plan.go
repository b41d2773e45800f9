package app

import (
	"context"

	"github.com/spf13/cobra"

	"sluice/internal/engine"
	"sluice/internal/view"
	"sluice/pipeline"
)

func (inv *invocation) plan() *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan [STAGE]", Short: "What a promotion would do, target by target; changes nothing",
		Long: `Plan reads what promote would read, and changes nothing: which release each
target gets and from where, its phases, the requests of the first effect, and
what they change. Exit 4 where the promotion would be refused.`,
		Example: `  sluice plan --to production
  sluice plan --to production --matrix --shards 8   # the matrix of a fleet's jobs`,
		RunE: func(cmd *cobra.Command, _ []string) error { return inv.runPlan(cmd.Context()) },
	}
	takes(cmd, "to", 1)
	inv.flags.promoting(cmd.Flags())
	cmd.Flags().BoolVar(&inv.flags.matrix, "matrix", false, "write the output matrix: a job per shard of the targets")
	cmd.Flags().IntVar(&inv.flags.shards, "shards", 0, "how many shards the matrix has at most (default one per group of targets)")
	return cmd
}

func (inv *invocation) runPlan(ctx context.Context) error {
	p, err := inv.one(ctx)
	if err != nil {
		return err
	}
	req, err := inv.promotion(p)
	if err != nil {
		return err
	}
	var plan view.Plan
	err = inv.use(ctx, p, func(e *engine.Engine) (err error) {
		plan, err = e.Plan(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	out := view.Outcome{Status: view.Succeeded, Release: plan.Release()}
	if plan.Refused() {
		out.Status = view.Refused
	}
	permissions := inv.permissions(p)
	matrix := ""
	if inv.flags.matrix {
		if matrix, err = inv.planMatrix(p, req); err != nil {
			return err
		}
	}
	inv.result = &result{pipeline: p, matrix: matrix, outcome: out, text: plan.Text(permissions), summary: true, extra: map[string]any{
		"targets": plan.Targets, "findings": plan.Findings, "permissions": permissions,
	}}
	return nil
}

// permissions are what the job's token needs.
func (inv *invocation) permissions(p *pipeline.Pipeline) []string {
	where := inv.storeName(p)
	switch {
	case inv.flags.sandbox:
		return nil
	case where == pipeline.StoreArtifact:
		return []string{"actions: read"}
	case where == pipeline.StoreGit:
		return []string{"actions: read", "contents: write"}
	default:
		return nil
	}
}
