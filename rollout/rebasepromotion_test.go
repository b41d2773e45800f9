package rollout

import (
	"testing"
	"time"
)

// TestRebasePromotion: what two jobs of one promotion save at once is kept by
// both; what only one may say is a conflict.
func TestRebasePromotion(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	base := Promotion{
		Schema: Schema, Pipeline: "shop", ID: "p-1", Generation: 3, Command: "promote", Stage: "prod", Actor: "anna",
		CreateTime: at, Members: []string{"a", "b", "c"}, Calls: []CallMembers{{Key: "old"}},
		Checks: []StageCheck{{Phase: "stable", Run: 1, State: CheckRunning}},
	}
	with := func(change func(*Promotion)) Promotion {
		p := base
		p.Calls = append([]CallMembers(nil), base.Calls...)
		p.Checks = append([]StageCheck(nil), base.Checks...)
		change(&p)
		return p
	}
	t.Run("both stay", func(t *testing.T) {
		mine := with(func(p *Promotion) {
			p.Calls = append(p.Calls, CallMembers{Key: "mine"})
			p.WaveEnds = []time.Time{at}
			p.Halted = &Halt{By: "b", At: at.Add(time.Minute)}
		})
		theirs := with(func(p *Promotion) {
			p.Generation = 5
			p.Calls = []CallMembers{{Key: "theirs"}} // and "old" is over
			p.Checks[0].State = CheckPassed
			p.WaveEnds = []time.Time{at.Add(time.Second), at.Add(time.Hour)}
			p.Halted = &Halt{By: "c", At: at}
			p.Skips = []Skip{{Target: "a"}}
			p.EndTime = at
		})
		if !RebasePromotion(&mine, base, theirs) {
			t.Fatal("it is refused")
		}
		if len(mine.Calls) != 2 || mine.Calls[0].Key != "mine" || mine.Calls[1].Key != "theirs" {
			t.Errorf("calls: %+v", mine.Calls)
		}
		if mine.Checks[0].State != CheckPassed || mine.Halted.By != "c" || len(mine.Skips) != 1 || !mine.EndTime.Equal(at) || mine.Generation != 5 {
			t.Errorf("%+v", mine)
		}
		if len(mine.WaveEnds) != 2 || !mine.WaveEnds[0].Equal(at) {
			t.Errorf("waves end at %v", mine.WaveEnds)
		}
	})
	for name, change := range map[string]func(mine, theirs *Promotion){
		"another stage": func(_, theirs *Promotion) { theirs.Stage = "dev" },
		"one check started twice": func(mine, theirs *Promotion) {
			mine.Checks = append(mine.Checks, StageCheck{Phase: "stable", Run: 2, By: "a"})
			theirs.Checks = append(theirs.Checks, StageCheck{Phase: "stable", Run: 2, By: "b"})
		},
		"one check ended in two ways": func(mine, theirs *Promotion) {
			mine.Checks[0].State, theirs.Checks[0].State = CheckPassed, CheckFailed
		},
		"one call with other members": func(mine, theirs *Promotion) {
			mine.Calls = append(mine.Calls, CallMembers{Key: "x", Members: []string{"a"}})
			theirs.Calls = append(theirs.Calls, CallMembers{Key: "x", Members: []string{"b"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			mine, theirs := with(func(*Promotion) {}), with(func(*Promotion) {})
			change(&mine, &theirs)
			before := mine
			if RebasePromotion(&mine, base, theirs) || mine.Generation != before.Generation {
				t.Errorf("it was taken over: %+v", mine)
			}
		})
	}
}
