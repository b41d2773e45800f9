package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"

	"sluice/internal/outside"
	"sluice/internal/view"
	"sluice/rollout"
)

var t0 = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// target is one that runs a release.
func target(stage, name, release string) view.ReportedTarget {
	var t view.ReportedTarget
	t.Target.Target, t.Stage, t.Platform, t.Runs, t.Since = name, stage, "here", release, t0
	t.Status = rollout.PromotionSucceeded
	return t
}

// passed is a rollout with a canary that ended well, or not, after ten minutes.
func passed(stage, name, promotion, release string, at time.Time, state rollout.State) view.ReportedRollout {
	r := view.ReportedRollout{
		PastRollout: view.PastRollout{
			Target: name, Stage: stage, Platform: "here", Rollout: promotion + "-to-" + name, Command: rollout.CommandPromote, Promotion: promotion,
			Release: release, State: state, Created: at, Ended: at.Add(10 * time.Minute), By: "anna", Commit: "0123456789abcdef", RunURL: "https://github.example/octo/shop/actions/runs/7",
		},
		Acted:   true,
		Traffic: []view.TrafficPoint{{At: at.Add(time.Minute), Percent: 10}, {At: at.Add(6 * time.Minute), Percent: 100}},
		Phases: []view.ReportedPhase{
			{ID: "canary-10", State: rollout.PhaseSucceeded, Started: at.Add(time.Minute), Ended: at.Add(2 * time.Minute)},
			{ID: "stable", State: rollout.PhaseSucceeded, Started: at.Add(6 * time.Minute), Ended: at.Add(10 * time.Minute)},
		},
		Votes: []view.ReportedVote{{Login: "berta", Approved: true, At: at}},
	}
	if state == rollout.StateFailed {
		r.FailureReason, r.Restored, r.RestoredAt = "canary-10: verify failed", true, at.Add(12*time.Minute)
	}
	return r
}

// fleet is a report with so many targets in production, and two months of promotions.
func fleet(targets int) view.Reported {
	r := view.Reported{Pipeline: "shop", Description: "The shop, from staging to production", At: t0.AddDate(0, 2, 0)}
	staging := view.ReportedStage{Name: "staging", Targets: []view.ReportedTarget{target("staging", "shop-staging", "v60")}}
	production := view.ReportedStage{Name: "production", After: []string{"staging"}, Approvers: []string{"anna", "@octo/leads"}, Quorum: 1, Soak: 3600, Waves: true}
	for i := range targets {
		production.Targets = append(production.Targets, target("production", fmt.Sprintf("shop-%03d", i), "v59"))
	}
	for day := range 60 {
		at, state := t0.AddDate(0, 0, day), rollout.StateSucceeded
		if day%9 == 4 {
			state = rollout.StateFailed
		}
		release := fmt.Sprintf("v%d", day)
		r.Rollouts = append(r.Rollouts, passed("staging", "shop-staging", fmt.Sprintf("s-%d", day), release, at.Add(-time.Hour), rollout.StateSucceeded))
		for i, t := range production.Targets {
			s := rollout.StateSucceeded
			if i == day%len(production.Targets) {
				s = state
			}
			r.Rollouts = append(r.Rollouts, passed("production", t.Target.Target, fmt.Sprintf("p-%d", day), release, at, s))
		}
	}
	troubled(production.Targets)
	r.Stages = []view.ReportedStage{staging, production}
	for _, s := range r.Stages {
		r.Deliveries = append(r.Deliveries, view.DeliveryOf(s.Name, r.Rollouts, r.At))
	}
	return r
}

// troubled has the first targets wait, be divided, drift and be away.
func troubled(targets []view.ReportedTarget) {
	change := []func(*view.ReportedTarget){
		func(t *view.ReportedTarget) {
			t.Status, t.Moving, t.Phase = rollout.PromotionPending, "v60", "canary-10"
			t.WaitingFor = &view.Waiting{Kind: rollout.WaitApproval}
			t.Notes, t.Commands = []string{"waits for approval by anna or @octo/leads"}, []string{"sluice approve --target shop-000"}
		},
		func(t *view.ReportedTarget) {
			t.Shares = []view.Share{{Release: "v59", Percent: "90"}, {Release: "v60", Percent: "10"}}
		},
		func(t *view.ReportedTarget) { t.Drift, t.Notes = true, []string{"shows drift: the state says v58"} },
		func(t *view.ReportedTarget) {
			t.Problem, t.Unasked = "no route to host", "could not be asked: no route to host"
		},
	}
	for i := range targets[:min(len(targets), len(change))] {
		change[i](&targets[i])
	}
}

func rendered(t *testing.T, r view.Reported) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r, "sluice v1.2.3"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPolicy: what the page's own policy forbids, it does not have. With SLUICE_LOOK,
// the pages are written into that folder for whoever wants to look at them.
func TestPolicy(t *testing.T) {
	dir := os.Getenv("SLUICE_LOOK")
	for _, n := range []int{3, 30, 300} {
		source := rendered(t, fleet(n))
		doc := parsed(t, source)
		for element := range doc.Descendants() {
			if element.Data == "script" {
				t.Errorf("%d targets: the page has a script", n)
			}
			for _, a := range element.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "src" {
					t.Errorf("%d targets: a %s has %s=%q", n, element.Data, a.Key, a.Val)
				}
			}
		}
		sum := sha256.Sum256([]byte(inside(doc, "style")))
		if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html.UnescapeString(source), want) {
			t.Errorf("%d targets: the policy does not let the page have its own style", n)
		}
		if dir == "" {
			continue
		}
		if err := os.WriteFile(fmt.Sprintf("%s/%d.html", dir, n), []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func parsed(t *testing.T, source string) *nethtml.Node {
	t.Helper()
	doc, err := nethtml.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// inside is the text of all elements of a name; of all there are for "".
func inside(doc *nethtml.Node, name string) string {
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type == nethtml.TextNode && (name == "" || n.Parent.Data == name) {
			b.WriteString(n.Data)
		}
	}
	return b.String()
}

// shape is the elements of a page with the names of their attributes.
func shape(doc *nethtml.Node) string {
	var b strings.Builder
	for n := range doc.Descendants() {
		if n.Type != nethtml.ElementNode {
			continue
		}
		b.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			b.WriteString(" " + a.Key)
			if a.Key == "href" && strings.Contains(a.Val, "script:") {
				b.WriteString("=" + a.Val)
			}
		}
		b.WriteString(">\n")
	}
	return b.String()
}

// TestHostile: whatever platforms, people and state say is text: the page has the
// elements and attributes that it has for harmless words, and shows these.
func TestHostile(t *testing.T) {
	for _, words := range []string{
		"<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>", "</style><script>x", "</title><script>x", "&lt;b&gt;", "javascript:alert(1)", "--><b>", "]]><b>", "{{x}}", "a\x00b\u202ec",
	} {
		hostile, harmless := everywhere(words), everywhere(strings.Repeat("w", utf8.RuneCountInString(outside.Line(words)))) // a long word is shortened
		doc := parsed(t, rendered(t, hostile))
		if got, want := shape(doc), shape(parsed(t, rendered(t, harmless))); got != want {
			t.Errorf("%q changes what the page is made of:\n%s", words, firstDifference(got, want))
		}
		if shown := outside.Line(words); !strings.Contains(inside(doc, "td")+inside(doc, "p")+inside(doc, "code"), shown) {
			t.Errorf("%q is not shown as it is", words)
		}
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return strings.Join(a[max(i-3, 0):min(i+3, len(a))], "\n")
		}
	}
	return "less than there was"
}

// everywhere is a report that says the same words wherever it can.
func everywhere(words string) view.Reported {
	r := fleet(4)
	r.Pipeline, r.Description, r.Rollouts = words, words, r.Rollouts[:6]
	for i := range r.Stages {
		r.Stages[i].Name, r.Stages[i].Approvers = words, []string{words}
		for j := range r.Stages[i].Targets {
			t := &r.Stages[i].Targets[j]
			t.Target.Target, t.Platform, t.Runs, t.RunsName, t.Moving, t.Phase, t.Unasked = words, words, words, words, words, words, words
			t.Notes, t.Commands = []string{words}, []string{words}
			t.Shares = []view.Share{{Release: words, Percent: "90"}, {Release: words, Name: words, Percent: "10"}}
		}
		r.Deliveries[i].Stage = words
	}
	for i := range r.Rollouts {
		x := &r.Rollouts[i]
		x.Target, x.Stage, x.Release, x.ReleaseName, x.By, x.Reason, x.FailureReason, x.Commit = words, words, words, words, words, words, words, words
		x.RunURL = words
		x.Phases = []view.ReportedPhase{{ID: words, State: rollout.PhaseState(words), Started: x.Created, Ended: x.Ended}}
		x.Votes = []view.ReportedVote{{Login: words, Comment: words}}
		x.Measures = []view.Measure{{Check: words, Phase: words, Value: words, Condition: words, Text: words}}
	}
	return r
}

// TestLinks: a run leads to itself and its commit, and nothing that is no address of
// the web leads anywhere.
func TestLinks(t *testing.T) {
	source := rendered(t, fleet(3))
	for _, want := range []string{`href="https://github.example/octo/shop/actions/runs/7"`, `href="https://github.example/octo/shop/commit/0123456789abcdef"`} {
		if !strings.Contains(source, want) {
			t.Errorf("no %s", want)
		}
	}
	r := fleet(3)
	for i := range r.Rollouts {
		r.Rollouts[i].RunURL = "javascript:alert(1)/actions/runs/7"
	}
	if source := rendered(t, r); strings.Contains(source, `href="javascript`) {
		t.Error("a link runs a script")
	}
}

// TestBounded: a page of many rollouts says what it leaves out.
func TestBounded(t *testing.T) {
	source := rendered(t, fleet(300))
	if len(source) > 2<<20 {
		t.Errorf("the page has %d bytes", len(source))
	}
	for _, want := range []string{"The newest 1000 of 18060 rollouts", "and 298 targets more", "and 100 promotions before"} {
		if !strings.Contains(source, want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestNothing: a pipeline that was never promoted has a page, too.
func TestNothing(t *testing.T) {
	r := view.Reported{Pipeline: "shop", At: t0, Stages: []view.ReportedStage{{Name: "production", Targets: []view.ReportedTarget{{}}}}, Deliveries: []view.Delivery{{Stage: "production"}}}
	shown := inside(parsed(t, rendered(t, r)), "")
	for _, want := range []string{"No deployment is kept.", "There was none yet.", "There is none yet.", "1 empty"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
}

// TestMap: a stage that follows the one before it has an arrow, and any other says
// what it comes after.
func TestMap(t *testing.T) {
	r := fleet(3)
	if source := rendered(t, r); !strings.Contains(source, `class="card stage follows"`) || strings.Contains(source, "after staging") {
		t.Error("production follows staging, which an arrow says")
	}
	r.Stages[1].After = []string{"staging", "qa"}
	if source := rendered(t, r); strings.Contains(source, `class="card stage follows"`) || !strings.Contains(source, "after staging, qa") {
		t.Error("production comes after two stages, which words say")
	}
}

// TestFilters: each choice of the history has a rule that leaves rows, and hides
// others.
func TestFilters(t *testing.T) {
	r := fleet(3)
	doc := parsed(t, rendered(t, r))
	style := inside(doc, "style")
	rows := map[string]int{}
	var ids []string
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if n.Data == "input" && a.Key == "id" && !strings.HasSuffix(a.Val, "-all") {
				ids = append(ids, a.Val)
			}
			if n.Data == "tr" && a.Key == "class" {
				for class := range strings.FieldsSeq(a.Val) {
					rows[class]++
				}
			}
		}
	}
	for _, id := range ids {
		if !strings.Contains(style, fmt.Sprintf("#history:has(#%s:checked) tbody tr:not(.%s)", id, id)) {
			t.Errorf("nothing happens where %s is checked", id)
		}
	}
	if rows["stage-0"] != 60 || rows["stage-1"] != 180 || rows["tone-bad"] != 7 || rows["tone-good"] != 233 {
		t.Errorf("the rows are %v", rows)
	}
}

// TestWaitingAlike: targets that wait for the same are told of once, and what can be
// done about them is code.
func TestWaitingAlike(t *testing.T) {
	r := view.Reported{Pipeline: "shop", At: t0}
	s := view.ReportedStage{Name: "production"}
	for i := range 40 {
		one := target("production", fmt.Sprintf("shop-%03d", i), "v1")
		one.Status, one.WaitingFor = rollout.PromotionPending, &view.Waiting{Kind: rollout.WaitApproval}
		one.Notes, one.Commands = []string{"waits; continue with `sluice approve`"}, []string{"sluice approve"}
		if i == 39 {
			one.Notes = []string{"waits for something else"}
		}
		s.Targets = append(s.Targets, one)
	}
	r.Stages = []view.ReportedStage{s}
	_, section, _ := strings.Cut(rendered(t, r), "Wants attention")
	section, _, _ = strings.Cut(section, "</section>")
	for _, want := range []string{"shop-000</strong> and 38 others", "shop-001, shop-002, shop-003, shop-004, shop-005 and 33 more", "<code>sluice approve</code>", "shop-039 waits for something else"} {
		if !strings.Contains(section, want) {
			t.Errorf("no %q in\n%s", want, section)
		}
	}
	if n := strings.Count(section, "<li"); n != 2 {
		t.Errorf("%d items, want 2", n)
	}
}

// TestOften: of less than a week no week is made up.
func TestOften(t *testing.T) {
	deployments := make([]view.Deployment, 3)
	for perWeek, want := range map[float64]string{21: "3 in 1 day", 7: "3 in 3 days", 3: "3 a week", 1.5: "1.5 a week"} {
		if got := often(view.Delivery{Deployments: deployments, PerWeek: perWeek}); got != want {
			t.Errorf("%v a week of 3: %q, want %q", perWeek, got, want)
		}
	}
}
