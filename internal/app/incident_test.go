package app_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"

	"sluice/internal/store/gitref"
)

// five is a pipeline over every platform. The canary's bake is waited for in the
// run itself, which is alive meanwhile.
const five = `name: shop
state: {store: git}
stages:
  - name: staging
    targets:
      - {name: web-staging, component: web, heroku: {app: shop-staging}}
      - {name: api-staging, component: api, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}
      - {name: run-staging, component: run, clouddeploy: {project: p1-project, location: europe-west1, deliveryPipeline: run, target: staging}}
      - {name: net-staging, component: net, deploymentmanager: {project: p1-project, deployment: net-staging}}
      - {name: app-staging, component: app, entrecode: {appID: "1", platformID: "2", targetIDs: ["3"]}}
  - name: production
    targets:
      - {name: web, component: web, heroku: {app: shop}}
      - name: api
        component: api
        apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}
        strategy: {canary: {percentages: [10], wait: 100s, disable: true}}
      - {name: run, component: run, clouddeploy: {project: p1-project, location: europe-west1, deliveryPipeline: run, target: prod}}
      - {name: net, component: net, deploymentmanager: {project: p1-project, deployment: net}}
      - {name: app, component: app, entrecode: {appID: "1", platformID: "2", targetIDs: ["4"]}}
`

// incident is an incident as docs/incident.md tells it.
type incident struct {
	*world
	run int64
}

func newIncident(t *testing.T, text string) *incident {
	t.Helper()
	return &incident{world: newWorld(t, text), run: 100}
}

// by is a run that a person started just now.
func (i *incident) by(login string) job {
	i.run++
	return job{run: i.run, env: map[string]string{"GITHUB_ACTOR": login, "GITHUB_TRIGGERING_ACTOR": login}}
}

// scheduled is a run that nobody started.
func (i *incident) scheduled() job {
	s := i.by("anna")
	s.env["GITHUB_EVENT_NAME"] = "schedule"
	return s
}

// goesOut has a bad release promoted: the run is at work on the canary's bake, and
// everything else has arrived. What it came to is told when it ends.
func (i *incident) goesOut(t *testing.T) <-chan outcome {
	t.Helper()
	ended := make(chan outcome, 1)
	anna := i.by("anna")
	go func() { ended <- i.sluice(t, anna, "promote", "production", "--reason", "release 12") }()
	i.until(t, "SUCCEEDED.*SUCCEEDED.*SUCCEEDED.*SUCCEEDED", "status", "production")
	return ended
}

// until waits until what a command prints matches.
func (i *incident) until(t *testing.T, pattern string, args ...string) {
	t.Helper()
	wanted := regexp.MustCompile("(?s)" + pattern)
	var got outcome
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if got = i.sluice(t, i.by("berta"), args...); wanted.MatchString(got.stdout) {
			return
		}
	}
	t.Fatalf("%v never printed %s: %s", args, pattern, got)
}

// settled asserts that the emulators served nothing more than before.
func (i *incident) settled(t *testing.T, before []string) {
	t.Helper()
	if got := i.effects(); len(got) != len(before) {
		t.Errorf("effects %q, want no more than %q", got, before)
	}
}

// fix has staging run another release on one of its targets.
func (i *incident) fix(t *testing.T) string {
	t.Helper()
	env := i.platforms.Env()
	client := sdk.New(sdk.Options{
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL_API_GATEWAY"]), Region: env["AWS_REGION"],
		Credentials: credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
	})
	made, err := client.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{RestApiId: aws.String(restAPI)})
	if err != nil {
		t.Fatal(err)
	}
	id := aws.ToString(made.Id)
	i.wants(t, 0, "promote: succeeded", i.by("anna"), "promote", "staging", "--target", "api-staging", "--release", id)
	return id
}

// TestIncident is the incident on all platforms: a bad canary goes out, status
// shows it, the lead locks, another person goes back while the run is alive, the
// schedule leaves it alone, a second rollback changes nothing, a person promotes
// the fix, and the events tell it in order.
func TestIncident(t *testing.T) {
	t.Parallel()
	i := newIncident(t, five)
	live := i.goesOut(t)
	i.wants(t, 0, "zopl7c 90 %, zjczef 10 %", i.by("berta"), "status", "production")
	i.wants(t, 0, "api is at work in octocat/shop/runs/101/promote by anna", i.by("berta"), "status", "api")

	i.wants(t, 0, "production/api: locked: incident 12", i.by("carol"), "lock", "production", "--reason", "incident 12")
	i.wants(t, 0, "is locked by carol", i.by("berta"), "status", "production")
	i.wants(t, 0, "rollback: succeeded", i.by("berta"), "rollback", "production", "--reason", "errors since 14:02")
	select {
	case stopped := <-live:
		if stopped.code != 5 || !strings.Contains(stopped.stderr+stopped.stdout, "berta") {
			t.Errorf("the run that was stopped: %s", stopped)
		}
	case <-time.After(time.Minute):
		t.Fatal("the run did not let go")
	}

	back := i.effects()
	i.wants(t, 0, "", i.scheduled(), "reconcile")
	i.wants(t, 4, "locked by carol", i.scheduled(), "promote", "production")
	again := i.wants(t, 0, "rollback: unchanged", i.by("berta"), "rollback", "production")
	if !strings.Contains(again.stdout+again.stderr, "back already") {
		t.Errorf("a second rollback does not say why nothing is done: %s", again)
	}
	i.settled(t, back)

	id := i.fix(t)
	i.wants(t, 0, "production/api: unlocked: it was the release", i.by("carol"), "unlock", "production", "--reason", "it was the release")
	i.wants(t, 4, "went back from release", i.scheduled(), "promote", "production", "--target", "api")
	i.wants(t, 0, "pending", i.by("anna"), "promote", "production", "--target", "api", "--inline-wait", "1s", "--reason", "the fix")
	i.wants(t, 0, id+" 10 %", i.by("berta"), "status", "api")

	story(t, i.wants(t, 0, "", i.by("dana"), "events", "api").stdout,
		`rollout\.created .*anna +promote of zjczef: release 12`, `effect\.succeeded .*10 %`, `block\.placed .*carol .*incident 12`,
		`order\.given .*berta +rollback: errors since 14:02`, `block\.placed .*berta +went-back-zjczef`, `rollout\.created .*berta +rollback of zjczef-to-api-0001`, `rollout\.succeeded`,
		`block\.ended .*carol .*it was the release`, `block\.ended .*went-back-zjczef`, `rollout\.created .*anna +promote of `+id+`: the fix`)
}

// story asserts that lines tell what the patterns say, in their order.
func story(t *testing.T, lines string, patterns ...string) {
	t.Helper()
	rest := lines
	for _, p := range patterns {
		at := regexp.MustCompile(p).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("%q does not come next in\n%s\nof\n%s", p, rest, lines)
		}
		rest = rest[at[1]:]
	}
}

// TestIncidentStateLost: the state branch is force-pushed in the middle. Nothing is
// done before a person says from where to go on; then the way back is open.
func TestIncidentStateLost(t *testing.T) {
	t.Parallel()
	i := newIncident(t, five)
	i.wants(t, 0, "locked", i.by("carol"), "lock", "web-staging", "--reason", "first")
	first := i.git.Head(gitref.DefaultBranch)
	i.wants(t, 0, "pending", i.by("anna"), "promote", "production", "--inline-wait", "1s")
	i.git.Force(gitref.DefaultBranch, first)
	before := i.effects()
	got := i.wants(t, 6, "state accept", i.by("berta"), "rollback", "production")
	i.settled(t, before)
	newest := regexp.MustCompile("`sluice (state accept [0-9a-f]{40}) --reason …`").FindAllStringSubmatch(got.stderr, -1)
	if len(newest) == 0 {
		t.Fatalf("no way on: %s", got)
	}
	for _, way := range newest {
		if !strings.Contains(way[1], first) {
			i.wants(t, 0, "goes on from commit", i.by("berta"), append(strings.Fields(way[1]), "--reason", "a push by mistake")...)
		}
	}
	i.wants(t, 0, "rollback: succeeded", i.by("berta"), "rollback", "production", "--reason", "errors since 14:02")
	i.wants(t, 0, "went-back-zjczef-to-api-0001", i.by("berta"), "status", "production")
}

// TestIncidentRegionDown: one target's platform does not answer. The others go
// back, and that one when it answers again.
func TestIncidentRegionDown(t *testing.T) {
	t.Parallel()
	i := newIncident(t, five)
	i.wants(t, 0, "pending", i.by("anna"), "promote", "production", "--inline-wait", "1s")
	down := i.by("berta")
	down.env["AWS_ENDPOINT_URL_API_GATEWAY"] = "http://127.0.0.1:1"
	got := i.wants(t, 0, "rollback: pending", down, "rollback", "production", "--reason", "errors since 14:02", "--wait-budget", "80s")
	for _, name := range []string{"web", "run", "net", "app"} {
		if !regexp.MustCompile(`production +` + name + ` .*succeeded`).MatchString(got.stdout) {
			t.Errorf("%s did not go back: %s", name, got)
		}
	}
	i.wants(t, 0, "api could not be asked", down, "status", "production", "--wait-budget", "40s")
	i.wants(t, 0, "rollback: pending", down, "rollback", "api", "--wait-budget", "25s")
	later := i.scheduled()
	later.later = 2 * time.Minute
	i.wants(t, 0, "reconcile: succeeded", later, "reconcile")
	i.wants(t, 0, "rollback: unchanged", i.by("berta"), "rollback", "api")
	if got := strings.Join(i.effects(), "\n"); strings.Count(got, "api rollback") != 1 {
		t.Errorf("effects\n%s", got)
	}
}

// TestIncidentInFreeze: going back is free in a freeze, and forward is not.
func TestIncidentInFreeze(t *testing.T) {
	t.Parallel()
	freeze := five + "policies:\n  - name: holidays\n    stages: [production]\n    override: [carol]\n    deny: {once: {from: %q, to: %q}}\n"
	hour := func(h int) string { return time.Now().Add(time.Duration(h) * time.Hour).UTC().Format(time.RFC3339) }
	i := newIncident(t, fmt.Sprintf(freeze, hour(1), hour(48)))
	i.wants(t, 0, "", i.by("anna"), "promote", "production", "--target", "web")
	later := func(s job) job { s.later = 2 * time.Hour; return s }
	i.wants(t, 4, "holidays", later(i.by("anna")), "promote", "production", "--target", "app")
	i.wants(t, 0, "rollback: succeeded", later(i.by("berta")), "rollback", "web", "--reason", "errors")
	i.wants(t, 0, "holidays", later(i.by("berta")), "status", "web")
}

// TestIncidentRerunOnMonday: "Re-run failed jobs" on the run that was stopped
// promotes nothing: a person went back, and a re-run is no word against that.
func TestIncidentRerunOnMonday(t *testing.T) {
	t.Parallel()
	i := newIncident(t, five)
	friday := i.by("anna")
	i.wants(t, 0, "pending", friday, "promote", "production", "--inline-wait", "1s")
	i.wants(t, 0, "rollback: succeeded", i.by("berta"), "rollback", "production", "--reason", "errors since 14:02")
	before := i.effects()
	monday := job{run: friday.run, attempt: 2, env: maps.Clone(friday.env), later: 60 * time.Hour}
	i.wants(t, 4, "", monday, "promote", "production", "--inline-wait", "1s")
	i.settled(t, before)
}
