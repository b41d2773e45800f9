package view

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/rollout"
)

var update = flag.Bool("update", false, "rewrite the stories in testdata") //nolint:gochecknoglobals // the flag package wants one

// TestStories runs the stories of testdata: after each line that begins with "> "
// stands what is told then.
//
//	> promote r2 [targets=a,b] [canary=10,50] [wait=30m] [approvers=ErIn,dana] [quorum=2] [checks=verify] [waves=1,3] [pause=10m] [onFailure=halt] [remote] [automation]
//	> answers a weight=lost,done verify=fail
//	> after 30m · freeze 2h carol · thaw · lock a [bothWays] · unlock a · order a rollback · elsewhere a · here a
//	> approve a erin · reject a erin · advance a · cancel a · rollback a · retry-job a · ignore-job a · skip a p-1 · automation · person
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d stories, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told := story(t, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(told), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if told != string(data) {
				t.Errorf("%s is told otherwise (go test ./internal/view -update):\n%s", file, told)
			}
		})
	}
}

// story runs a story's lines and writes what is told after each.
func story(t *testing.T, text string) string {
	w := newWorld(t)
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		command, ok := strings.CutPrefix(line, "> ")
		switch {
		case ok:
			fmt.Fprintf(&out, "> %s\n%s", command, w.line(strings.Fields(command)))
		case strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		case line == "" && out.Len() > 0:
			out.WriteString("\n")
		}
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// line does one line and tells what stands then.
func (w *world) line(words []string) string {
	err := w.command(words[0], words[1:])
	w.run()
	checkStory(w)
	text := ""
	if err != nil {
		text = "  " + Explain(err) + "\n"
	}
	out := w.view().Look(w.state, "", targets()...)
	for _, o := range out.Targets {
		if o.Rollout != "" {
			text += "  " + o.Target + " " + tellTarget(o) + "\n"
		}
	}
	text += fmt.Sprintf("  %s, exit %d", out.Status, out.Exit(false))
	if !out.Next.IsZero() {
		text += ", next at " + out.Next.Format(time.RFC3339)
	}
	return text + "\n"
}

// tellTarget is a target in one line.
func tellTarget(o Target) string {
	text := fmt.Sprintf("%s %s %s", o.Status, o.Rollout, o.State)
	if o.Phase != "" {
		text += " " + o.Phase
	}
	if o.Wave > 0 {
		text += fmt.Sprintf(" wave %d", o.Wave)
	}
	if o.Skipped {
		text += " skipped"
	}
	if o.ErrorMessage != "" {
		text += ": " + o.ErrorMessage
	}
	if o.WaitingFor != nil {
		text += "; " + o.WaitingFor.Waits()
	}
	for _, q := range o.Queued {
		text += fmt.Sprintf("; %s is queued behind %s", q.Rollout, q.Behind)
	}
	for _, b := range o.BlockedBy {
		text += fmt.Sprintf("; blocked by %s", b.ID)
	}
	return text
}

func (w *world) command(name string, args []string) error {
	switch name {
	case "promote":
		return w.promoteLine(args)
	case "answers":
		for _, a := range args[1:] {
			what, list, _ := strings.Cut(a, "=")
			w.answers[args[0]+" "+what] = strings.Split(strings.ReplaceAll(list, "+", " "), ",")
		}
	case "run":
	case "after":
		w.now = w.now.Add(w.duration(args[0]))
	case "freeze":
		w.freeze = &rollout.Block{ID: "freeze", Kind: rollout.BlockPolicy, Whom: rollout.Everybody, Until: w.now.Add(w.duration(args[0])), Override: args[1:], At: w.now}
	case "thaw":
		w.freeze = nil
	case "automation", "person":
		w.setting.Person = name == "person"
	case "skip":
		return w.skip(args)
	case "elsewhere":
		w.state.Runs["other"] = &rollout.Run{ID: "other", Name: "octo/shop/runs/7/deploy", Actor: "anna", RunURL: "https://github.example/octo/shop/actions/runs/7", Started: w.now, Until: w.now.Add(15 * time.Minute)}
		w.state.Records[args[0]].Lease = "other"
	case "here":
		w.state.Records[args[0]].Lease = ""
	default:
		return w.apply(args[0], w.transition(name, args))
	}
	return nil
}

// skip leaves a target out of the promotion that is named, else of its oldest.
func (w *world) skip(args []string) error {
	ids := slices.Sorted(maps.Keys(w.groups))
	if len(args) > 1 {
		ids = args[1:]
	}
	for _, id := range ids {
		if g := w.groups[id]; slices.Contains(g.Promotion.Members, args[0]) {
			return g.Skip(rollout.Skip{Target: args[0], By: "bob", Reason: "it is broken", At: w.now})
		}
	}
	return nil
}

func (w *world) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	w.must(err)
	return d
}

// transition is what a command about one target does.
func (w *world) transition(name string, args []string) rollout.Transition {
	by := human("bob")
	switch name {
	case "lock":
		return lock(w.now, len(args) > 1)
	case "unlock":
		return rollout.EndBlock{ID: "lock-1", By: human("carol")}
	case "abandon":
		return rollout.AddBlock{Block: rollout.Block{ID: "abandon-" + args[1], Kind: rollout.BlockAbandon, Release: args[1], Whom: rollout.Everybody, By: "carol", Reason: "it leaks", At: w.now}}
	case "order":
		return rollout.AddOrder{Order: rollout.Order{ID: "o-1", Command: args[1], By: "dave", Reason: "errors", Person: true, At: w.now, WaitsUntil: w.now.Add(5 * time.Minute)}}
	case "approve", "reject":
		return rollout.Vote{Approve: name == "approve", Voter: rollout.Voter{Actor: human(args[1])}}
	case "advance":
		return rollout.Advance{By: by}
	case "retry-job":
		return rollout.RetryJob{By: by}
	case "ignore-job":
		return rollout.IgnoreJob{By: by}
	case "terminate":
		return rollout.Terminate{By: by}
	case "rollback":
		w.made++
		return rollout.GoBack{Promotion: fmt.Sprintf("p-%d", w.made), By: by}
	case "cancel":
		return rollout.Cancel{By: by}
	default:
		w.t.Fatalf("no command %q", name)
		return nil
	}
}

func (w *world) promoteLine(args []string) error {
	names, options := targets(), map[string]string{}
	for _, a := range args[1:] {
		key, value, _ := strings.Cut(a, "=")
		options[key] = value
	}
	if list, ok := options["targets"]; ok {
		names = strings.Split(list, ",")
	}
	w.promote(args[0], names, func(s *rollout.Spec) { w.specOf(s, options) }, func(p *rollout.Promotion) { w.entryOf(p, options) })
	return nil
}

func (w *world) specOf(s *rollout.Spec, options map[string]string) {
	if list, ok := options["canary"]; ok {
		s.Phases = rollout.PhasesOf(shares(list), false)
	}
	if text, ok := options["wait"]; ok {
		d := rollout.Duration(w.duration(text))
		s.Wait = &d
	}
	if list, ok := options["approvers"]; ok {
		s.Approval = &rollout.ApprovalSpec{Approvers: strings.Split(list, ","), Quorum: 1, Timeout: rollout.Duration(24 * time.Hour)}
		if options["quorum"] == "2" {
			s.Approval.Quorum = 2
		}
	}
	if strings.Contains(options["checks"], "verify") {
		s.Gates.Verify = []rollout.Gate{{Run: []string{"true"}}}
	}
	if _, ok := options["remote"]; ok {
		s.Remote, s.Phases = true, nil
	}
	if _, ok := options["hold"]; ok {
		s.Restore = false
	}
	if _, ok := options["automation"]; ok {
		s.Person = false
	}
}

func (w *world) entryOf(p *rollout.Promotion, options map[string]string) {
	if how, ok := options["onFailure"]; ok {
		p.OnFailure = how
	}
	list, ok := options["waves"]
	if !ok {
		return
	}
	p.OnFailure = rollout.OnFailureHalt
	p.Waves = &rollout.Waves{}
	for _, size := range strings.Split(list, ",") {
		n := 0
		_, err := fmt.Sscan(size, &n)
		w.must(err)
		p.Waves.Sizes = append(p.Waves.Sizes, n)
	}
	if pause, ok := options["pause"]; ok {
		p.Waves.Wait = rollout.Duration(w.duration(pause))
	}
}
