package rollout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata")

// TestStories runs the stories of testdata: after each line that begins with "> "
// stands what came of it. Targets a, b, c … belong to one stage, on which r1 runs.
//
//	> promote r2 targets=a,b canary=10,50 wait=30m checks=verify stage=verify waves=1,2 pause=10m onFailure=halt approval automation
//	> answers a canary-10/verify=fail poll/weight=run,done
//	> run · after 30m · skip a · lock a · unlock a · abandon a r2 · order a rollback · automation · person
//	> advance a · cancel a · rollback a [to=r1] · retry-job a · ignore-job a · terminate a · approve a · reject a · replace a r3 · disable-canary a
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d stories, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told := tell(t, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(told), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if told != string(data) {
				t.Errorf("%s is told otherwise (go test ./rollout -update):\n%s", file, told)
			}
		})
	}
}

// tell runs a story's lines and writes what came of each.
func tell(t *testing.T, text string) string {
	s := &story{fleet: newFleet(t), histories: map[string]*History{}}
	var out strings.Builder
	for _, line := range strings.Split(text, "\n") {
		command, ok := strings.CutPrefix(line, "> ")
		switch {
		case ok:
			fmt.Fprintf(&out, "> %s\n%s", command, s.do(strings.Fields(command)))
		case strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		case line == "" && out.Len() > 0:
			out.WriteString("\n")
		}
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// story is a fleet whose targets come with their first promotion.
type story struct {
	*fleet
	made       int
	histories  map[string]*History
	automation bool
}

// do runs one line and says what came of it.
func (s *story) do(words []string) string {
	s.done = nil
	err := s.command(words[0], words[1:])
	s.run()
	for _, n := range s.names {
		s.seal(n)
	}
	var out strings.Builder
	if err != nil {
		fmt.Fprintf(&out, "  %v\n", err)
	}
	if len(s.done) > 0 {
		fmt.Fprintf(&out, "  sent: %s\n", strings.Join(s.done, ", "))
	}
	for _, n := range s.names {
		fmt.Fprintf(&out, "  %s\n", s.line(n))
	}
	if g := s.groups["p1"]; g != nil && g.Promotion.Halted != nil {
		fmt.Fprintf(&out, "  halted by %s in wave %d\n", g.Promotion.Halted.By, g.Promotion.Halted.Wave)
	}
	return out.String()
}

// seal moves what is over to the target's history, as every save does.
func (s *story) seal(name string) {
	h := s.histories[name]
	if h == nil {
		h = &History{Schema: Schema, Pipeline: "shop", Target: name}
		s.histories[name] = h
	}
	h.Add(Seal(&s.rigs[name].r, s.group(name), s.setting, everyEvent, s.now), 0)
}

func (s *story) command(name string, args []string) error {
	switch name {
	case "promote":
		return s.promoteLine(args)
	case "answers":
		s.answers(args)
	case "run":
	case "after":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
	case "automation", "person":
		s.automation = name == "automation"
		s.setting.Person = !s.automation
	case "skip":
		return s.groups["p1"].Skip(Skip{Target: args[0], By: "bob", Reason: "it is broken", At: s.now})
	default:
		return s.apply(args[0], s.transition(name, args))
	}
	return nil
}

func (s *story) by() Actor {
	if s.automation {
		return Actor{Login: "cron"}
	}
	return person("bob")
}

// transition is what a command about one target does.
func (s *story) transition(name string, args []string) Transition {
	by, r := s.by(), &s.rigs[args[0]].r
	s.made++
	id := fmt.Sprintf("c%d", s.made)
	switch name {
	case "advance":
		return Advance{By: by}
	case "cancel":
		return Cancel{By: by}
	case "rollback":
		return s.goBack(r, id, args[1:])
	case "retry-job":
		return RetryJob{By: by}
	case "ignore-job":
		return IgnoreJob{By: by}
	case "terminate":
		return Terminate{By: by}
	case "approve", "reject":
		return Vote{Approve: name == "approve", Voter: Voter{Actor: by}}
	case "retry":
		return Retry{Attempt: s.made, By: by}
	case "replace":
		return Replace{Create{Spec: planFor(args[0], promotion(id), release(args[1]), canary("10"))}}
	case "disable-canary":
		return DisableCanary{Spec: planFor(args[0], promotion(id), release("r1")), By: by}
	case "lock":
		return AddBlock{Block: lockOf("carol")}
	case "unlock":
		return EndBlock{ID: "lock", By: person("carol")}
	case "unblock":
		return EndBlock{ID: args[1], By: Actor{Login: "bob", Person: true, Reason: "it was not that"}}
	case "abandon":
		return AddBlock{Block: abandonOf(args[1])}
	case "order":
		return AddOrder{Order: Order{ID: id, Command: args[1], By: "dave", Person: true, WaitsUntil: s.now.Add(5 * time.Minute)}}
	case "carry-out":
		return CarryOut{ID: r.Orders[0].ID}
	case "unreachable":
		return Stopped{Cause: StopPlatform, Until: s.now.Add(time.Hour), Message: "503"}
	default:
		s.t.Fatalf("no command %s", name)
		return nil
	}
}

func (s *story) goBack(r *Record, id string, args []string) Transition {
	back := GoBack{Promotion: id, By: s.by()}
	for _, a := range args {
		to := strings.TrimPrefix(a, "to=")
		for _, g := range r.Goals(s.histories[r.Target]) {
			if g.Release.ID == to {
				back.Goal = &g
			}
		}
		if back.Goal == nil {
			s.t.Fatalf("%s is no goal", to)
		}
	}
	return back
}

// answers scripts how a target's platform and checks answer next.
func (s *story) answers(args []string) {
	for _, a := range args[1:] {
		name, list, _ := strings.Cut(a, "=")
		for _, verb := range []string{"poll/", "lookup/"} {
			if kind, ok := strings.CutPrefix(name, verb); ok {
				name = strings.TrimSuffix(verb, "/") + " " + kind
			}
		}
		if args[0] == "stage" {
			s.script[name] = strings.Split(list, ",")
			continue
		}
		s.rig(args[0]).script[name] = strings.Split(list, ",")
	}
}

// rig is a target's, which begins with r1.
func (s *story) rig(name string) *rig {
	if s.rigs[name] == nil {
		s.rigs[name] = newRigOf(s.t, name)
	}
	return s.rigs[name]
}

// promoteLine makes a promotion of its options.
func (s *story) promoteLine(args []string) error {
	s.made++
	p := Promotion{ID: fmt.Sprintf("p%d", s.made)}
	change := []func(*Spec){release(args[0])}
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		change = append(change, s.option(&p, key, strings.Split(value, ",")))
	}
	if s.automation {
		change = append(change, automatic)
	}
	if p.Waves != nil && p.Waves.Sizes == nil {
		s.t.Fatal("pause without waves")
	}
	for _, n := range s.names {
		spec := planFor(n, append([]func(*Spec){promotion(p.ID)}, change...)...)
		if err := Apply(&s.rigs[n].r, Create{Spec: spec}, s.now); err != nil {
			return err
		}
	}
	p.Schema, p.Pipeline, p.Members, p.Actor, p.CreateTime = Schema, "shop", s.names, "alice", s.now
	s.groups[p.ID] = NewGroup(&p, s.records())
	return nil
}

// option takes one word of a promotion.
func (s *story) option(p *Promotion, key string, values []string) func(*Spec) {
	duration := func() Duration {
		d, err := time.ParseDuration(values[0])
		if err != nil {
			s.t.Fatal(err)
		}
		return Duration(d)
	}
	switch key {
	case "targets":
		s.names = values
		for _, n := range values {
			s.rig(n)
		}
	case "canary":
		return canary(values...)
	case "wait":
		return waits(duration().Std())
	case "checks":
		return gated(values...)
	case "stage":
		return staged(values...)
	case "approval":
		return approved(ApprovalSpec{Quorum: 1, Timeout: Duration(24 * time.Hour)})
	case "hold":
		return holds
	case "onFailure":
		p.OnFailure = values[0]
	case "takeBack":
		p.TakeBack = values[0]
	case "waves":
		p.Waves = &Waves{}
		for _, v := range values {
			size, err := strconv.Atoi(v)
			if err != nil {
				s.t.Fatal(err)
			}
			p.Waves.Sizes = append(p.Waves.Sizes, size)
		}
	case "pause":
		p.Waves.Wait = duration()
	case "tolerate":
		p.Waves.Tolerate, _ = strconv.Atoi(values[0])
	default:
		s.t.Fatalf("no option %s", key)
	}
	return func(*Spec) {}
}

// line says how a target stands: what runs there, its rollouts, what is due.
func (s *story) line(name string) string {
	r := s.rigs[name]
	parts := []string{fmt.Sprintf("%s runs %s", name, r.runs)}
	for i := range r.r.Rollouts {
		e := &r.r.Rollouts[i]
		text := strings.TrimSuffix(e.Rollout.Name, "-to-"+name+e.Rollout.Name[strings.LastIndex(e.Rollout.Name, "-"):]) + " " + states(e)
		if e.Rollout.RollbackOfRollout != "" {
			text = "back to " + text
		}
		if e.Spec.Command == CommandDisableCanary {
			text = "disable " + text
		}
		parts = append(parts, text)
	}
	for _, b := range r.r.Blocks {
		parts = append(parts, fmt.Sprintf("blocked: %s %s%s", b.Kind, b.Release, map[Whom]string{Automation: " (automation)"}[b.Whom]))
	}
	return strings.Join(parts, " | ") + s.dueText(Next(&r.r, s.group(name), s.setting, s.now))
}

// dueText says what a target waits for, or is left doing.
func (s *story) dueText(d Due) string {
	switch d.Action {
	case ActionIdle:
		return ""
	case ActionWait:
	default:
		return fmt.Sprintf(" -> %s %s", d.Action, strings.TrimPrefix(d.Phase+"/"+string(d.Kind), "/"))
	}
	w := d.Waiting
	text := " -> waits for " + string(w.Kind)
	if w.Cause != "" {
		text += " (" + strings.TrimSpace(string(w.Cause)+" "+w.Target) + ")"
	}
	if w.Kind == WaitWave {
		text += fmt.Sprint(" ", w.Wave)
	}
	if w.Block != nil {
		text += " " + w.Block.ID
	}
	if !w.Until.IsZero() && !w.Deadline {
		text += " " + w.Until.Sub(s.now).String()
	}
	return text
}
