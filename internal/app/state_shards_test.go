package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fleet is a pipeline whose last stage has ten targets that go alone and three
// that one call serves.
func fleet() string {
	var b strings.Builder
	b.WriteString(`name: shop
stages:
  - name: staging
    targets:
      - {name: api-staging, component: api, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}
      - {name: web-staging, component: web, heroku: {app: shop-staging}}
  - name: production
    targets:
`)
	for i := range 10 {
		fmt.Fprintf(&b, "      - {name: api-%d, component: api, apigateway: {restApi: a1b2c3d4e5, stage: prod-%d, region: eu-west-1}}\n", i, i)
	}
	for i := range 3 {
		fmt.Fprintf(&b, "      - {name: web-%d, component: web, heroku: {app: shop-%d}}\n", i, i)
	}
	return b.String()
}

// members are the names of the fleet's targets.
func members() []string {
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("api-%d", i))
	}
	return append(names, "web-0", "web-1", "web-2")
}

type shard struct{ Shard, Targets string }

// deal runs plan --matrix and reads the output that the next jobs get.
func (w *world) deal(t *testing.T, s job, args ...string) []shard {
	t.Helper()
	file := filepath.Join(t.TempDir(), "output")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = map[string]string{"GITHUB_OUTPUT": file}
	w.wants(t, 0, "", s, append([]string{"plan", "--to", "production", "--matrix"}, args...)...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^matrix<<.*\n(.*)$`).FindSubmatch(text)
	var matrix struct{ Include []shard }
	if found == nil {
		t.Fatalf("no matrix in %s", text)
	}
	if err := json.Unmarshal(found[1], &matrix); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return matrix.Include
}

// promoteShards runs the shards of run 7 that are given, all at once.
func (w *world) promoteShards(t *testing.T, store []string, shards ...shard) {
	t.Helper()
	got := make([]outcome, len(shards))
	var group sync.WaitGroup
	for i, s := range shards {
		group.Go(func() {
			got[i] = w.sluice(t, job{run: 7}, append([]string{"promote", "--to", "production", "--shard", s.Shard}, store...)...)
		})
	}
	group.Wait()
	for _, o := range got {
		if o.code != 0 || !strings.Contains(o.stdout, "promote: succeeded") {
			t.Fatalf("%s", o)
		}
	}
}

// TestFleet: a stage is dealt out to four jobs. One is killed; the others save
// what they did. What is missing is told, the one job is run again, and then
// the promotion is complete.
func TestFleet(t *testing.T) {
	for _, name := range []string{"file", "git", "s3", "artifact"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fleet())
			store := []string{"--store", w.stores()[name]}
			shards := w.deal(t, job{run: 7, name: "plan"}, append(store, "--shards", "4")...)
			checkDeal(t, shards)
			w.promoteShards(t, store, shards[0], shards[2], shards[3])
			w.die(t, job{run: 7}, append([]string{"promote", "--to", "production", "--shard", "2/4"}, store...)...)
			lost := strings.Split(shards[1].Targets, ",")
			collect := append([]string{"collect", "--to", "production", "--output", "json"}, store...)
			first := w.wants(t, 1, "run its shard again", job{run: 7, name: "collect"}, collect...).document(t)
			checkFleet(t, first, "failed", lost)

			w.wants(t, 0, "promote: succeeded", job{run: 7, attempt: 2, later: 17 * time.Minute}, append([]string{"promote", "--to", "production", "--shard", "2/4"}, store...)...)
			summary := filepath.Join(t.TempDir(), "summary")
			second := w.wants(t, 0, "", job{run: 7, attempt: 2, name: "collect", env: map[string]string{"GITHUB_STEP_SUMMARY": summary}}, collect...).document(t)
			checkFleet(t, second, "succeeded", nil)
			if first["promotion"] != second["promotion"] || first["promotion"] == "" {
				t.Errorf("promotions %v and %v", first["promotion"], second["promotion"])
			}
			text, err := os.ReadFile(summary)
			if err != nil {
				t.Fatal(err)
			}
			for _, target := range members() {
				if !strings.Contains(string(text), target) {
					t.Errorf("the summary lacks %s:\n%s", target, text)
				}
			}
			count := map[string]int{}
			for _, e := range w.platforms.Effects() {
				for _, target := range e.Targets {
					count[target]++
				}
			}
			for _, target := range members() {
				if count[target] != 1 {
					t.Errorf("%s had %d effects", target, count[target])
				}
			}
		})
	}
}

// checkDeal: every target once, and what one call serves in one shard.
func checkDeal(t *testing.T, shards []shard) {
	t.Helper()
	var all []string
	for i, s := range shards {
		if want := fmt.Sprintf("%d/4", i+1); s.Shard != want {
			t.Errorf("shard %q, want %q", s.Shard, want)
		}
		targets := strings.Split(s.Targets, ",")
		if n := strings.Count(s.Targets, "web-"); n != 0 && n != 3 {
			t.Errorf("shard %s splits what one call serves: %s", s.Shard, s.Targets)
		}
		all = append(all, targets...)
	}
	slices.Sort(all)
	if !slices.Equal(all, members()) {
		t.Errorf("dealt out: %q", all)
	}
}

// checkFleet holds a collected document against what the shards did.
func checkFleet(t *testing.T, doc map[string]any, status string, lost []string) {
	t.Helper()
	if doc["status"] != status {
		t.Errorf("status %v, want %s", doc["status"], status)
	}
	got := map[string]string{}
	for _, item := range doc["targets"].([]any) {
		target := item.(map[string]any)
		got[target["target"].(string)] = target["status"].(string)
		if target["status"] == "failed" && !strings.Contains(target["errorMessage"].(string), "run its shard again") {
			t.Errorf("%v", target)
		}
	}
	want := map[string]string{}
	for _, name := range members() {
		want[name] = "succeeded"
		if slices.Contains(lost, name) {
			want[name] = "failed"
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("targets %v, want %v", got, want)
	}
}

// TestFleetShardNeverStarted: the state knows nothing of its targets.
func TestFleetShardNeverStarted(t *testing.T) {
	w := newWorld(t, fleet())
	store := []string{"--store", w.stores()["git"]}
	shards := w.deal(t, job{run: 7, name: "plan"}, append(store, "--shards", "4")...)
	w.promoteShards(t, store, shards[:3]...)
	lost := strings.Split(shards[3].Targets, ",")
	collect := append([]string{"collect", "--to", "production", "--output", "json"}, store...)
	checkFleet(t, w.wants(t, 1, "no shard reached this target", job{run: 7, name: "collect"}, collect...).document(t), "failed", lost)
	w.wants(t, 0, "succeeded", job{run: 7, attempt: 2}, append([]string{"promote", "--to", "production", "--shard", "4/4"}, store...)...)
	checkFleet(t, w.wants(t, 0, "", job{run: 7, attempt: 2, name: "collect"}, collect...).document(t), "succeeded", nil)
}

// TestFleetUpToDate: a fleet where nothing is left to do is no failure, and no
// target of it is called lost.
func TestFleetUpToDate(t *testing.T) {
	w := newWorld(t, fleet())
	store := []string{"--store", w.stores()["file"]}
	w.wants(t, 0, "succeeded", job{run: 6}, append([]string{"promote", "--to", "production"}, store...)...)
	for _, s := range w.deal(t, job{run: 7, name: "plan"}, append(store, "--shards", "4")...) {
		w.wants(t, 0, "unchanged", job{run: 7}, append([]string{"promote", "--to", "production", "--shard", s.Shard}, store...)...)
	}
	w.wants(t, 0, "collect: unchanged", job{run: 7, name: "collect"}, append([]string{"collect", "--to", "production"}, store...)...)
}

// TestMoreShardsThanGroups: a matrix written by hand may be larger than the
// stage; a job without targets has nothing to do.
func TestMoreShardsThanGroups(t *testing.T) {
	w := newWorld(t, shop)
	store := []string{"--store", w.stores()["git"]}
	if shards := w.deal(t, job{run: 7, name: "plan"}, append(store, "--shards", "4")...); len(shards) != 2 || shards[1] != (shard{"2/2", "us"}) {
		t.Errorf("dealt out: %v", shards)
	}
	for i := range 4 {
		want := map[bool]string{true: "promote: succeeded", false: "promote: unchanged"}[i < 2]
		w.wants(t, 0, want, job{run: 7}, append([]string{"promote", "--to", "production", "--shard", fmt.Sprintf("%d/4", i+1)}, store...)...)
	}
	w.wants(t, 0, "collect: succeeded", job{run: 7, name: "collect"}, append([]string{"collect", "--to", "production"}, store...)...)
	if want := []string{"eu deploy", "us deploy"}; !slices.Equal(w.effects(), want) {
		t.Errorf("effects %q, want %q", w.effects(), want)
	}
}

// TestShardsOutsideARun: a promotion that no workflow run names is named by
// hand, alike for all of its shards.
func TestShardsOutsideARun(t *testing.T) {
	w := newWorld(t, shop)
	outside := job{run: 7, env: map[string]string{"GITHUB_ACTIONS": ""}}
	store := []string{"--store", w.stores()["file"]}
	w.wants(t, 2, "say --promotion ID, the same for every shard and for collect", outside, append([]string{"promote", "--to", "production", "--shard", "1/2"}, store...)...)
	act := job{run: 1, env: map[string]string{"ACT": "true"}}
	w.wants(t, 2, "run act with --env GITHUB_RUN_ID=NUMBER", act, append([]string{"promote", "--to", "production", "--shard", "1/2"}, store...)...)
	named := append(store, "--promotion", "release-12")
	for _, i := range []string{"1/2", "2/2"} {
		w.wants(t, 0, "succeeded", outside, append([]string{"promote", "--to", "production", "--shard", i}, named...)...)
	}
	doc := w.wants(t, 0, "", outside, append([]string{"collect", "--to", "production", "--output", "json"}, named...)...).document(t)
	if doc["promotion"] != "release-12" || doc["status"] != "succeeded" {
		t.Errorf("%v", doc)
	}
}

// TestLargeFleet: a matrix has 256 jobs at most, whatever the stage has.
func TestLargeFleet(t *testing.T) {
	var text strings.Builder
	text.WriteString("name: shop\nstages:\n  - name: staging\n    targets:\n      - {name: s, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}\n  - name: production\n    targets:\n")
	for i := range 300 {
		fmt.Fprintf(&text, "      - {name: t-%d, apigateway: {restApi: a1b2c3d4e5, stage: prod-%d, region: eu-west-1}}\n", i, i)
	}
	w := newWorld(t, text.String())
	shards := w.deal(t, job{run: 7}, "--store", "git")
	targets := 0
	for _, s := range shards {
		targets += len(strings.Split(s.Targets, ","))
	}
	if len(shards) != 256 || targets != 300 {
		t.Errorf("%d shards with %d targets", len(shards), targets)
	}
	w.wants(t, 2, "a matrix has 1 to 256 jobs", job{run: 7}, "plan", "--to", "production", "--matrix", "--shards", "257", "--store", "git")
}

// TestFleetWorkflow: the document shows the example workflow as it is.
func TestFleetWorkflow(t *testing.T) {
	workflow, err := os.ReadFile("../../examples/workflows/fleet.yml")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../docs/state.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(document), "```yaml\n"+string(workflow)+"```\n") {
		t.Error("docs/state.md shows another workflow than examples/workflows/fleet.yml")
	}
}

// TestCollectLooksOnly: what another run has taken up is pending while that run
// lives, and failed when it died too.
func TestCollectLooksOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shop)
	store := []string{"--store", w.stores()["git"]}
	w.die(t, job{run: 7, here: true}, append([]string{"promote", "--to", "production", "--shard", "1/2"}, store...)...)
	w.promoteShards(t, store, shard{Shard: "2/2"})
	collect := append([]string{"collect", "--to", "production"}, store...)
	w.wants(t, 1, "octocat/shop/runs/7/promote/1/2 did not finish; run its shard again", job{run: 7, name: "collect"}, collect...)

	w.finish("7")
	w.die(t, job{run: 8, name: "reconcile"}, append([]string{"reconcile"}, store...)...)
	saves := w.saves()
	w.wants(t, 0, "collect: pending", job{run: 7, name: "collect"}, collect...)
	w.finish("8")
	w.wants(t, 1, "octocat/shop/runs/8/reconcile did not finish", job{run: 7, name: "collect"}, collect...)
	if w.saves() != saves {
		t.Error("collect saved something")
	}
	w.wants(t, 0, "promote: succeeded", job{run: 7, attempt: 2, later: time.Hour}, append([]string{"promote", "--to", "production", "--shard", "1/2"}, store...)...)
	w.wants(t, 0, "collect: succeeded", job{run: 7, attempt: 2, name: "collect"}, collect...)
}
