package report

import (
	"fmt"
	"slices"
	"strings"

	"sluice/internal/view"
	"sluice/pipeline"
	"sluice/rollout"
)

// Diagram is a Mermaid flow chart of the pipeline's stages in a code block,
// with the targets of the outcome coloured; "" without a pipeline.
func Diagram(p *pipeline.Pipeline, out view.Outcome) string {
	if p == nil || len(out.Targets) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart LR\n")
	for i, s := range p.Stages {
		fmt.Fprintf(&b, "  s%d[%q]:::%s\n", i, s.Name.Value+stageRelease(s, out), stageClass(s, out))
		for _, before := range p.Previous(s) {
			fmt.Fprintf(&b, "  s%d --> s%d\n", slices.Index(p.Stages, before), i)
		}
	}
	b.WriteString("  classDef succeeded stroke:#1a7f37,stroke-width:2px\n  classDef pending stroke:#9a6700,stroke-width:2px\n" +
		"  classDef failed stroke:#cf222e,stroke-width:2px\n  classDef idle stroke:#8c959f\n```\n\n")
	return b.String()
}

func stageRelease(s *pipeline.Stage, out view.Outcome) string {
	release := ""
	for _, t := range out.Targets {
		switch {
		case t.Stage != s.Name.Value:
		case release == "":
			release = t.Release
		case release != t.Release:
			return " · several releases"
		}
	}
	plain := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') || (r >= '0' && r <= '9') || strings.ContainsRune("-_.:", r) {
			return r
		}
		return -1
	}, release)
	const short = 16
	if len(plain) > short {
		plain = plain[:short] + "…"
	}
	if plain == "" {
		return ""
	}
	return " · " + plain
}

func stageClass(s *pipeline.Stage, out view.Outcome) string {
	class := "idle"
	for _, t := range out.Targets {
		if t.Stage != s.Name.Value {
			continue
		}
		switch {
		case t.Status == rollout.PromotionFailed:
			return "failed"
		case t.Status == rollout.PromotionPending:
			class = "pending"
		case class == "idle":
			class = "succeeded"
		}
	}
	return class
}
