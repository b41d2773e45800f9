package planner

import (
	"slices"
	"strings"

	"sluice/internal/ledger"
	"sluice/pipeline"
	"sluice/rollout"
)

// promotion is the entry of a new promotion. A target whose release an older
// promotion is bringing stays that one's member; where that goes for all that is
// to be done, no new promotion is made.
func (from declared) promotion(req Promotion, drafts []*draft) rollout.Promotion {
	elsewhere, makes := map[string]bool{}, false
	for _, d := range drafts {
		elsewhere[d.name()] = d.resumes != "" || d.joins
		makes = makes || !elsewhere[d.name()]
	}
	members := slices.DeleteFunc(slices.Clone(req.Members), func(name string) bool { return elsewhere[name] })
	id := req.ID
	if !makes {
		id = ""
	}
	entry := from.entry(id, rollout.CommandPromote, req.Stage, members)
	entry.Shards, entry.Waves = req.Shards, waves(req.Stage, len(members))
	if req.From != nil {
		entry.From = req.From.Name.Value
	} else if !req.SkipStages {
		entry.From = strings.Join(pipeline.StageNames(from.Pipeline.Previous(req.Stage)), ", ")
	}
	for _, d := range drafts {
		if d.unchanged {
			entry.Unchanged = append(entry.Unchanged, d.name())
		}
	}
	return entry
}

// entry is what every promotion has.
func (from declared) entry(id, command string, stage *pipeline.Stage, members []string) rollout.Promotion {
	return rollout.Promotion{
		Schema: rollout.Schema, Pipeline: from.Pipeline.Name.Value, ID: id, Command: command,
		Stage: stage.Name.Value, Reason: from.Actor.Reason, Actor: from.Actor.Login, Person: from.Actor.Person,
		RunURL: from.Actor.RunURL, Origin: from.Origin, Attempt: from.Attempt, Commit: from.Commit,
		CreateTime: from.Work.Now().UTC(), Members: members, OnFailure: stage.OnFailure, TakeBack: stage.TakeBack,
	}
}

// waves are the stage's for so many targets; nil where it names none.
func waves(s *pipeline.Stage, targets int) *rollout.Waves {
	if s.Waves == nil {
		return nil
	}
	return &rollout.Waves{Sizes: s.Waves.Counts(targets), Wait: rollout.Duration(s.Waves.Wait), Tolerate: s.Waves.Tolerate}
}

// drafts are the moves of a promotion to be made, one a target.
func (from declared) drafts(state *ledger.State, req Promotion, targets []*pipeline.Target) []*draft {
	drafts := make([]*draft, len(targets))
	for i, t := range targets {
		drafts[i] = &draft{target: t, record: from.record(state, t), replaces: req.Replace || t.Stage.Supersede}
	}
	return drafts
}
