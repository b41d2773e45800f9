package ledger_test

import (
	"context"
	"testing"
	"time"

	"sluice/internal/actions"
	protocol "sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/ledger"
	"sluice/internal/store"
	"sluice/internal/store/artifact"
	"sluice/internal/store/file"
	"sluice/internal/store/gitref"
	"sluice/internal/store/gitref/gitreftest"
	"sluice/internal/store/s3"
	"sluice/internal/store/s3/s3test"
	"sluice/internal/work"
	"sluice/rollout"
	"sluice/stages/driver"
)

// stores are handles on one place of each store.
func stores(t *testing.T) map[string]func(run int64) store.Store {
	dir := t.TempDir()
	git, bucket, runs := gitreftest.New(), s3test.New(), artifacttest.New()
	must := func(s store.Store, err error) store.Store {
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	return map[string]func(int64) store.Store{
		"file": func(int64) store.Store { return file.Open(dir) },
		"git": func(int64) store.Store {
			return must(gitref.Open(gitref.Options{Wait: time.Microsecond, GitHub: func() (*actions.Client, error) {
				return actions.NewClient(actions.ClientConfig{Repository: gitreftest.Repository, Token: gitreftest.Token, Transport: git, Wait: time.Microsecond})
			}}))
		},
		"s3": func(int64) store.Store {
			env := map[string]string{"AWS_ACCESS_KEY_ID": s3test.AccessKeyID, "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "https://s3.example.com"}
			return must(s3.Open(s3.Options{
				Location: "s3://" + s3test.Bucket + "/state", Transport: bucket, Backoff: time.Millisecond,
				Getenv: func(name string) string { return env[name] },
			}))
		},
		"artifact": func(id int64) store.Store { return artifacts(t, runs, id) },
	}
}

func artifacts(t *testing.T, w *artifacttest.Server, id int64) store.Store {
	getenv := w.Getenv(artifacttest.Run{ID: id})
	current, err := actions.New(getenv, t.Output()).Context()
	if err != nil {
		t.Fatal(err)
	}
	return artifact.Open(artifact.Options{
		Run: current, Clock: work.Clock{Now: w.Now},
		Runs: func() (*protocol.Client, error) {
			return protocol.New(protocol.Config{ResultsURL: getenv("ACTIONS_RESULTS_URL"), Token: getenv("ACTIONS_RUNTIME_TOKEN"), Transport: w.Transport(), Wait: time.Microsecond})
		},
		GitHub: func() (*actions.Client, error) {
			return actions.NewClient(actions.ClientConfig{
				APIURL: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY"), Token: getenv("GITHUB_TOKEN"), Transport: w.Transport(), Wait: time.Microsecond,
			})
		},
	})
}

// TestStores: one story over each store: a run promotes two targets and dies,
// somebody places a block, another run takes over, and leaves nothing but records.
func TestStores(t *testing.T) {
	for name, open := range stores(t) {
		t.Run(name, func(t *testing.T) {
			limits := work.Begin(t.Context(), work.Clock{}, work.Limits{})
			defer limits.End()
			start := func(n int64, id string, over ledger.Fate) (*run, store.Store) {
				s := open(n)
				return runOn(t, s, limits, id, over), s
			}
			a, _ := start(1, "run-a", ledger.Alive)
			records := a.hold("web", "api")
			for _, r := range records {
				if err := rollout.Apply(r, rollout.Create{Spec: rollout.Spec{Promotion: "p-1", Command: "promote", Release: driver.Release{ID: "v1"}}}, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			p := &rollout.Promotion{Schema: rollout.Schema, Pipeline: "shop", ID: "p-1", Members: []string{"web", "api"}}
			if s := <-a.Save(append(rows(records["web"], records["api"]), ledger.Row{Promotion: p})...); s.Err != nil {
				t.Fatal(s.Err)
			}

			b, state := start(2, "run-b", ledger.Dead)
			if _, err := b.SaveBeside(t.Context(), []string{"web"}, fresh, func(r *rollout.Record) error {
				return rollout.Apply(r, rollout.AddBlock{Block: block("stop")}, time.Now())
			}); err != nil {
				t.Fatal(err)
			}
			s, err := b.Load(t.Context(), "web", "api", "never")
			if err != nil || s.Records["never"] != nil || s.Promotions["p-1"] == nil || s.Runs["run-a"] == nil || len(s.Index.Targets) != 2 {
				t.Fatalf("%+v, %v", s, err)
			}
			web := s.Records["web"]
			taken, err := b.Take(t.Context(), web, s.Records["api"])
			if err != nil || len(taken) != 2 {
				t.Fatalf("%+v, %v", taken, err)
			}
			moved := rollout.Moved{Events: []rollout.Event{{ID: 1, Type: "rollout.succeeded", Time: time.Now().UTC()}}}
			if s := <-b.Save(ledger.Row{Record: is(web, "v1"), Moved: moved}, ledger.Row{Record: s.Records["api"]}); s.Err != nil {
				t.Fatal(s.Err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}

			c, _ := start(3, "run-c", ledger.Alive)
			s, err = c.Load(t.Context(), "web", "api")
			if err != nil || s.Records["web"].Lease != "" || s.Records["web"].Release.ID != "v1" || !isBlocked(s.Records["web"], "stop") {
				t.Errorf("%+v, %v", s.Records["web"], err)
			}
			if h, err := c.Histories(t.Context(), "web"); err != nil || len(h["web"].Events) != 1 {
				t.Errorf("%+v, %v", h, err)
			}
			entries, err := state.Load(t.Context(), store.Key{Pipeline: "shop", Kind: store.KindRun, Target: "run-b"})
			if err != nil || entries[0].Version != "" {
				t.Errorf("the run's entry is still there: %+v, %v", entries, err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// runOn is a run on a store that is not in memory.
func runOn(t *testing.T, s store.Store, limits *work.Work, id string, over ledger.Fate) *run {
	l := ledger.Open(t.Context(), ledger.Config{
		Store: s, Pipeline: "shop", Run: rollout.Run{ID: id}, Work: limits,
		Over: func(context.Context, rollout.Run) (ledger.Fate, error) { return over, nil },
	})
	return &run{Ledger: l, w: &world{t: t}, id: id}
}
