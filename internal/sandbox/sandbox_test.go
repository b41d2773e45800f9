package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/sandboxtest"
	"sluice/pipeline"
)

func two(tb testing.TB) *pipeline.Pipeline {
	return sandboxtest.Pipeline(tb, "counters", []sandboxtest.Target{{Name: "dev"}}, []sandboxtest.Target{{Name: "web"}})
}

// call sends one request and returns status and body; status 0 is a
// connection without an answer.
func call(tb testing.TB, s *sandbox.Server, method, name string) (int, string) {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, s.Env()["COUNTERS_URL"]+"/"+name, nil)
	if err != nil {
		tb.Fatal(err)
	}
	// Without a kept connection, net/http does not retry what was cut.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func start(tb testing.TB, o sandbox.Options) *sandbox.Server {
	tb.Helper()
	o.Emulators = []sandbox.Emulator{newCounters()}
	if o.Pipelines == nil {
		o.Pipelines = []*pipeline.Pipeline{two(tb)}
	}
	return sandboxtest.Start(tb, o)
}

func TestConformance(t *testing.T) {
	sandboxtest.RunConformance(t, func() sandbox.Emulator { return newCounters() }, two(t))
}

func TestIntrudingBetweenRequests(t *testing.T) {
	dir := t.TempDir()
	s := start(t, sandbox.Options{Dir: dir})
	if err := s.Intrude("web"); err != nil {
		t.Fatal(err)
	}
	if _, body := call(t, start(t, sandbox.Options{Dir: dir}), "GET", "web"); body != "1100" {
		t.Errorf("web stands at %s for everybody else, want 1100", body)
	}
	if err := s.Intrude("moon"); err == nil || !strings.Contains(err.Error(), `"moon"`) {
		t.Errorf("intruding on what is not there: %v", err)
	}
}

func TestSeededStateOutlivesTheServer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made")
	first := start(t, sandbox.Options{Dir: dir})
	if status, body := call(t, first, "POST", "web"); status != 200 || body != "101" {
		t.Fatalf("POST = %d %q, want the seeded 100 raised by one", status, body)
	}
	first.Close()
	if err := first.Wait(); err != nil {
		t.Errorf("Wait after Close: %v", err)
	}

	second := start(t, sandbox.Options{Dir: dir})
	if _, body := call(t, second, "GET", "web"); body != "101" {
		t.Errorf("after a restart: %q, want 101: kept, and not seeded again", body)
	}
}

func TestServersOnOneDirLoseNothing(t *testing.T) {
	dir := t.TempDir()
	servers := []*sandbox.Server{start(t, sandbox.Options{Dir: dir}), start(t, sandbox.Options{Dir: dir})}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() { call(t, servers[i%2], "POST", "web") })
	}
	wg.Wait()
	for i, s := range servers {
		if _, body := call(t, s, "GET", "web"); body != "140" {
			t.Errorf("server %d sees %s, want 140", i, body)
		}
	}
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		faults   []string
		statuses []int // of POST /web, one after the other; 0 is no answer
		after    string
	}{
		"throttle":         {[]string{"web:deploy:throttle"}, []int{429, 200}, "101"},
		"throttle twice":   {[]string{"web:deploy:throttle=2"}, []int{429, 429, 200}, "101"},
		"error":            {[]string{"web:*:error"}, []int{500, 200}, "101"},
		"deny":             {[]string{"web:deploy:deny"}, []int{403, 200}, "101"},
		"drop":             {[]string{"web:deploy:drop"}, []int{0, 200}, "101"},
		"cut":              {[]string{"web:deploy:cut"}, []int{0, 200}, "102"},
		"second":           {[]string{"web:deploy#2:drop"}, []int{200, 0, 200}, "102"},
		"second and third": {[]string{"web:deploy#2:drop=2"}, []int{200, 0, 0, 200}, "102"},
		"kill-before":      {[]string{"web:deploy:kill-before"}, []int{0, 200}, "101"},
		"kill-after":       {[]string{"web:deploy:kill-after"}, []int{0, 200}, "102"},
		"empty":            {[]string{"web:deploy:empty"}, []int{200, 200}, "102"},
		"foreign":          {[]string{"web:deploy:foreign"}, []int{200}, "1101"},
		"own kind":         {[]string{"web:deploy:fail"}, []int{409, 200}, "101"},
		"two in turn":      {[]string{"web:deploy:throttle", "web:deploy#2:cut"}, []int{429, 0, 200}, "102"},
		"another target":   {[]string{"dev:deploy:drop"}, []int{200}, "101"},
		"another step":     {[]string{"web:weight:drop"}, []int{200}, "101"},
		"reads alone":      {[]string{"web:read:drop"}, []int{200}, "101"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			kills := 0
			dir := t.TempDir()
			s := start(t, sandbox.Options{Dir: dir, Faults: sandboxtest.Faults(t, test.faults...), Kill: func() { kills++ }})
			for i, want := range test.statuses {
				if got, _ := call(t, s, "POST", "web"); got != want {
					t.Errorf("request %d answered %d, want %d", i+1, got, want)
				}
			}
			if strings.HasPrefix(name, "kill") != (kills == 1) {
				t.Errorf("killed %d times", kills)
			}
			// Another process sees what the faults left.
			if _, after := call(t, start(t, sandbox.Options{Dir: dir}), "GET", "web"); after != test.after {
				t.Errorf("web stands at %s, want %s", after, test.after)
			}
		})
	}
}

func TestReadsCanBeSpoiled(t *testing.T) {
	s := start(t, sandbox.Options{Faults: sandboxtest.Faults(t, "web:read:throttle")})
	if status, _ := call(t, s, "POST", "web"); status != 200 {
		t.Errorf("POST answered %d, want 200", status)
	}
	if status, _ := call(t, s, "GET", "web"); status != 429 {
		t.Errorf("GET answered %d, want 429", status)
	}
}

// TestHollowAnswers: what was asked for is done, and the answer says nothing of it.
func TestHollowAnswers(t *testing.T) {
	for kind, want := range map[string]string{"empty": "", "object": "{}", "null": "null"} {
		t.Run(kind, func(t *testing.T) {
			s := start(t, sandbox.Options{Faults: sandboxtest.Faults(t, "web:read:"+kind, "web:deploy:"+kind)})
			for _, method := range []string{"GET", "POST"} {
				if status, body := call(t, s, method, "web"); status != 200 || body != want {
					t.Errorf("%s answered %d %q, want 200 %q", method, status, body, want)
				}
			}
			if _, body := call(t, s, "GET", "web"); body != "101" {
				t.Errorf("web stands at %q, want 101: the change was made once", body)
			}
		})
	}
}

func TestAnyStepIsAnyChange(t *testing.T) {
	s := start(t, sandbox.Options{Faults: sandboxtest.Faults(t, "web:*:throttle")})
	if status, _ := call(t, s, "GET", "web"); status != 200 {
		t.Errorf("GET answered %d, want 200", status)
	}
	if status, _ := call(t, s, "POST", "web"); status != 429 {
		t.Errorf("POST answered %d, want 429", status)
	}
}

func TestKilledAfterTheStateIsKept(t *testing.T) {
	dir := t.TempDir()
	var atKill string
	kill := func() {
		_, atKill = call(t, start(t, sandbox.Options{Dir: dir}), "GET", "web")
	}
	s := start(t, sandbox.Options{Dir: dir, Faults: sandboxtest.Faults(t, "web:deploy:kill-after"), Kill: kill})
	call(t, s, "POST", "web")
	if atKill != "101" {
		t.Errorf("when the process was killed, another saw %q, want 101", atKill)
	}
}

func TestFailedIntrusionIsAnError(t *testing.T) {
	p := sandboxtest.Pipeline(t, "counters", []sandboxtest.Target{{Name: "untouchable"}})
	s := start(t, sandbox.Options{Pipelines: []*pipeline.Pipeline{p}, Faults: sandboxtest.Faults(t, "untouchable:*:foreign")})
	if status, body := call(t, s, "POST", "untouchable"); status != 500 || !strings.Contains(body, "nobody may") {
		t.Errorf("answered %d %q", status, body)
	}
	if len(s.Effects()) != 0 {
		t.Errorf("effects: %v, want none", s.Effects())
	}
}

func TestJournal(t *testing.T) {
	s := start(t, sandbox.Options{Faults: sandboxtest.Faults(t, "web:deploy:throttle", "web:deploy#2:cut")})
	for range 3 {
		call(t, s, "POST", "web")
	}
	call(t, s, "POST", "a%2Fb?q=1")
	call(t, s, "GET", "web")

	var seen []string
	for _, r := range s.Requests() {
		seen = append(seen, fmt.Sprint(r.Method, " ", r.Path, " ", r.Query, " ", r.Action.Kind, r.Action.Targets, " ", r.Status, " ", r.Fault))
	}
	want := []string{
		"POST /web  deploy[web] 429 throttle",
		"POST /web  deploy[web] 200 cut",
		"POST /web  deploy[web] 200 ",
		"POST /a%2Fb q=1 deploy[] 200 ",
		"GET /web  read[web] 200 ",
	}
	if strings.Join(seen, "\n") != strings.Join(want, "\n") {
		t.Errorf("requests:\n%s\nwant:\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
	if got, want := fmt.Sprint(s.Effects()), "[{counters [web] deploy} {counters [web] deploy} {counters [counters] deploy}]"; got != want {
		t.Errorf("effects %s, want %s", got, want)
	}
}

func TestJournalIsBounded(t *testing.T) {
	s := start(t, sandbox.Options{})
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.Env()["COUNTERS_URL"]+"/web", strings.NewReader(strings.Repeat("x", 100_000)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := len(s.Requests()[0].Body); got != 64<<10 {
		t.Errorf("kept %d bytes of the body, want 64 KiB", got)
	}
	if _, body := call(t, s, "GET", "web"); body != "100100" {
		t.Errorf("web stands at %s: the emulator did not see the whole body", body)
	}
}

func TestOnlyUsedPlatformsAreServed(t *testing.T) {
	other := &renamed{counters: newCounters(), name: "other"}
	emulators := []sandbox.Emulator{newCounters(), other}

	s := sandboxtest.Start(t, sandbox.Options{Emulators: emulators, Pipelines: []*pipeline.Pipeline{two(t)}})
	if _, served := s.Env()["other"]; served || len(s.Env()) != 2 {
		t.Errorf("environment %v, want that of counters alone", s.Env())
	}
	s = sandboxtest.Start(t, sandbox.Options{Emulators: emulators})
	if len(s.Env()) != 3 {
		t.Errorf("without pipelines: environment %v, want both platforms'", s.Env())
	}
}

func TestServesUntilTheContextIsDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := sandbox.Start(ctx, sandbox.Options{Emulators: []sandbox.Emulator{newCounters()}})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := call(t, s, "GET", "web"); status != 200 {
		t.Errorf("answered %d", status)
	}
	cancel()
	if err := s.Wait(); err != nil {
		t.Errorf("Wait: %v", err)
	}
	if status, _ := call(t, s, "GET", "web"); status != 0 {
		t.Errorf("answered %d after the context was done", status)
	}
}

func TestStartRefuses(t *testing.T) {
	tests := map[string]struct {
		options sandbox.Options
		want    string
	}{
		"unknown target":   {sandbox.Options{Faults: sandboxtest.Faults(t, "wbe:deploy:cut")}, `no target "wbe" here; the targets are dev, web`},
		"unknown kind":     {sandbox.Options{Faults: sandboxtest.Faults(t, "web:deploy:explode")}, "counters knows throttle, error, deny, drop, cut, kill-before, kill-after, empty, object, null, foreign, fail"},
		"nothing to kill":  {sandbox.Options{Faults: sandboxtest.Faults(t, "web:deploy:kill-after")}, "use drop or cut"},
		"not loopback":     {sandbox.Options{Listen: "0.0.0.0:0"}, "not loopback"},
		"no address":       {sandbox.Options{Listen: "here"}, "give one such as"},
		"no port":          {sandbox.Options{Listen: "127.0.0.1:http"}, "the port is a number"},
		"foreign platform": {sandbox.Options{Pipelines: []*pipeline.Pipeline{sandboxtest.Pipeline(t, "moon", []sandboxtest.Target{{Name: "web"}})}}, "target web is on moon"},
		"no folder":        {sandbox.Options{Dir: "/dev/null/x"}, "/dev/null"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := test.options
			o.Emulators = []sandbox.Emulator{newCounters()}
			if o.Pipelines == nil {
				o.Pipelines = []*pipeline.Pipeline{two(t)}
			}
			s, err := sandbox.Start(t.Context(), o)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want it to say %q", err, test.want)
			}
		})
	}
}
