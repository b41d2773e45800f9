package rollout

import (
	"strings"
	"testing"

	"sluice/stages/driver"
)

// TestRename: nothing of a renamed target says its former name, but for the names
// of its rollouts and the line of its history that tells of it.
func TestRename(t *testing.T) {
	former := driver.Target{Name: "zap", Stage: "prod", Platform: "moon"}
	r := New("shop", former)
	r.Rollouts = []Execution{{
		Rollout: Rollout{Name: "v1-to-one-0001", TargetID: "zap"},
		Spec:    Spec{Target: former},
		Steps: []Step{{
			Call:      driver.Call{Changes: []driver.Change{{Target: former}}},
			Operation: &driver.Operation{Results: map[string]driver.Result{"zap": {}}},
		}},
	}}
	r.Rename(driver.Target{Name: "new", Stage: "live", Platform: "moon"}, t0)
	if last := r.Events[len(r.Events)-1]; last.Type != "target.renamed" || last.Message != "zap is now new" {
		t.Errorf("the history says %+v", last)
	}
	r.Events = nil
	text, err := Encode(r)
	if err != nil || strings.Contains(string(text), "zap") || r.Stage != "live" || len(r.Rollouts[0].Steps[0].Operation.Results) != 1 {
		t.Errorf("%v: renamed it is\n%s", err, text)
	}
	p := Promotion{
		Members: []string{"zap", "two"}, Unchanged: []string{"zap"}, Skips: []Skip{{Target: "zap"}}, Calls: []CallMembers{{Members: []string{"zap"}}},
		Checks: []StageCheck{{By: "zap"}}, Halted: &Halt{By: "zap"}, Shards: &Shards{Members: [][]string{{"two"}, {"zap"}}},
	}
	p.Rename("zap", "new")
	if text, err := Encode(p); err != nil || strings.Contains(string(text), "zap") || strings.Count(string(text), `"new"`) != 7 {
		t.Errorf("%v: the promotion says\n%s", err, text)
	}
}

// TestJoinPromotion: jobs that make one promotion's entry at the same time share it,
// as the first made it; another promotion of the same id is none.
func TestJoinPromotion(t *testing.T) {
	made := func(actor string, unchanged ...string) Promotion {
		return Promotion{
			Schema: Schema, Pipeline: "shop", ID: "p", Command: CommandPromote, Stage: "prod", Members: []string{"a", "b", "c"},
			Actor: actor, Origin: "job of " + actor, CreateTime: t0, Unchanged: unchanged,
		}
	}
	first := made("anna", "a")
	first.Generation = 1
	mine := made("berta", "b")
	mine.CreateTime = t0.Add(1)
	mine.AddCall("k", []string{"b", "c"})
	if !JoinPromotion(&mine, first) {
		t.Fatal("the jobs of one promotion cannot share it")
	}
	if mine.Actor != "anna" || !mine.CreateTime.Equal(t0) || strings.Join(mine.Unchanged, " ") != "a b" && strings.Join(mine.Unchanged, " ") != "b a" ||
		len(mine.Calls) != 1 || mine.Generation != 1 {
		t.Errorf("shared it is %+v", mine)
	}
	for what, change := range map[string]func(*Promotion){
		"members": func(p *Promotion) { p.Members = []string{"a", "b"} },
		"stage":   func(p *Promotion) { p.Stage = "live" },
		"waves":   func(p *Promotion) { p.Waves = &Waves{Sizes: []int{1, 3}} },
	} {
		other := made("berta", "b")
		change(&other)
		if JoinPromotion(&other, first) || other.Actor != "berta" {
			t.Errorf("a promotion with other %s is taken for the same", what)
		}
	}
}
