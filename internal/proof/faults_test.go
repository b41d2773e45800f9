package proof_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/proof/prooftest"
	"sluice/stages/driver"
)

const (
	mostMemory  = 200 << 20               // bytes that a process may hold at most
	budget      = 3 * time.Minute         // that a life is given in which nothing is mended
	mostTime    = budget + 45*time.Second // that a process may run, whatever is answered: half a minute after its budget
	atDeadline  = time.Second             // after which a request that is slow is over, in machine's time
	faultsTried = 4                       // of each side's, by `go test ./...`
)

// side is whose answers are spoiled: a platform's, or a store's.
type side struct {
	platform, store string
	ofStore         bool
}

// sides are all of them: each platform's, and those of each store that is asked over
// the network. The other of the two is the same everywhere.
func sides() []side {
	var list []side
	platforms := facts()
	for _, f := range platforms {
		list = append(list, side{f.Platform, stores[0], false})
	}
	for _, store := range stores[1:] {
		list = append(list, side{platforms[0].Platform, store, true})
	}
	return list
}

func (s side) String() string {
	if s.ofStore {
		return s.store
	}
	return s.platform
}

// TestFaults: one request of a promotion or of a rollback, or every one from it on, is
// answered as it must not be. Where that may be asked again the release goes its way as if nothing had
// been; else the run says what was wrong, has claimed nothing that is not so, and the
// next one, answered honestly, goes the whole way.
func TestFaults(t *testing.T) {
	table := prooftest.NewTable("faults")
	chance := rand.New(rand.NewPCG(seed(t), 3))
	t.Run("answered", func(t *testing.T) {
		for _, s := range sides() {
			own := rand.New(rand.NewPCG(chance.Uint64(), 0))
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				s.everywhere(t, table, own)
			})
		}
	})
	table.Print(t)
}

// spoilt is one life in which something is spoiled.
type spoilt struct {
	side
	way     scenario
	fault   string
	at      int
	lasting bool
}

func (s spoilt) String() string {
	how := "once"
	if s.lasting {
		how = "from there on"
	}
	return fmt.Sprintf("%s at request %d %s", s.fault, s.at+1, how)
}

// everywhere lives each way once without a fault, and then with each fault at each of its
// requests. Where not all is asked for it is one way, with some of them.
func (s side) everywhere(t *testing.T, table *prooftest.Table, chance *rand.Rand) {
	ways := s.ways()
	if !prooftest.Whole() {
		at := chance.IntN(len(ways))
		ways = ways[at : at+1]
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) { s.along(t, way, table, chance) })
	}
}

// along lives one way without a fault, and then with each fault at each of its requests,
// or some of them.
func (s side) along(t *testing.T, way scenario, table *prooftest.Table, chance *rand.Rand) {
	clean := spoilt{side: s, way: way, at: never}
	want, asked := clean.live(t)
	cases := clean.cases(len(asked))
	chance.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	if !prooftest.Whole() {
		cases = quickOnes(cases)
	}
	for _, c := range cases {
		t.Run(c.String(), func(t *testing.T) {
			if prooftest.Whole() {
				t.Parallel()
			}
			t.Logf("%s: %s", c, asked[c.at])
			defer func() { table.Add(s.platform, s.store, !t.Failed()) }()
			got, _ := c.live(t)
			if got.String() != want.String() {
				t.Errorf("it ended with\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// ways are the scenarios that are spoiled: of a platform a promotion, with a canary and
// with testers where it can, and a rollback; of a store a promotion.
func (s side) ways() []scenario {
	names := []string{"plain", "rollback"}
	for _, f := range facts() {
		if f.Platform == s.platform && f.Supports(driver.Weight) {
			names[0] = "canary"
		}
	}
	if s.ofStore {
		names = names[:1]
	}
	var list []scenario
	for _, f := range facts() {
		for _, way := range scenarios() {
			if f.Platform == s.platform && way.possible(f) && slices.Contains(append(names, "testers"), way.name) {
				list = append(list, way.on(f))
			}
		}
	}
	return list
}

// cases are the lives that differ from a clean one by one fault.
func (s spoilt) cases(requests int) []spoilt {
	var list []spoilt
	for _, f := range (&fates{words: s.words()}).faults() {
		for at := range requests {
			if f.leads != nil && at > 0 {
				break
			}
			c := s
			c.fault, c.at = f.name, at
			if f.leads == nil {
				list = append(list, c)
			}
			if !f.heavy {
				c.lasting = true
				list = append(list, c)
			}
		}
	}
	return list
}

// quickOnes are the first few cases that end fast.
func quickOnes(cases []spoilt) []spoilt {
	slow := func(c spoilt) bool {
		return c.lasting && c.ofStore || slices.ContainsFunc((&fates{words: c.words()}).faults(), func(f fault) bool { return f.name == c.fault && (f.slow || f.heavy) })
	}
	cases = slices.DeleteFunc(cases, slow)
	return cases[:min(len(cases), faultsTried)]
}

// speed is how much faster time passes than on the machine. A store that is asked over
// the network takes machine's time for each save, in which a lease must not end.
func (s side) speed() time.Duration {
	if s.ofStore {
		return quick / 4
	}
	return quick
}

func (s side) words() words {
	if s.ofStore {
		return storesWords{}
	}
	return wordsOf(s.platform)
}

// live lives it, mends what was spoiled, and returns where that ended, and which
// requests were made of the server that is spoiled.
func (s spoilt) live(t *testing.T) (ending, []string) {
	w := newWorld(t, s.store, s.way.pipelineOf(s.platform), s.speed())
	fates := newFates(t, s.words())
	spoiler := &spoiler{counts: w.isOf(s.side), at: s.at, lasting: s.lasting}
	for _, f := range fates.faults() {
		if f.name == s.fault {
			spoiler.fault = f
		}
	}
	for _, before := range s.way.steps[:s.way.settled] {
		if got := w.here(t, before); got.code != 0 {
			t.Fatalf("%s: %s", before, got)
		}
	}
	done := len(w.platforms.Effects())
	step := s.way.steps[s.way.settled]
	got := s.spoil(t, w, spoiler, fates, step)
	if s.at == never {
		if got.code != 0 {
			t.Fatalf("%s: %s", step, got)
		}
		return w.ending(t), spoiler.list()
	}
	w.passage.spoil(nil)
	for _, broken := range s.judge(t, w, got, fates, done) {
		t.Errorf("%s: %s\n%s", s, broken, got)
	}
	w.resume(t, step)
	w.settle(t, mostRounds)
	for _, what := range w.contradictions(t) {
		t.Error(what)
	}
	return w.ending(t), nil
}

// spoil runs a step with what is spoiled.
func (s spoilt) spoil(t *testing.T, w *world, spoiler *spoiler, fates *fates, do step) outcome {
	t.Helper()
	mended := *w
	mended.env = maps.Clone(w.env)
	mended.env[memoryAt] = filepath.Join(w.dir, "memory")
	if spoiler.fault.slow {
		mended.env[deadlineOf] = atDeadline.String()
	}
	if leads := spoiler.fault.leads; leads != nil {
		w.lead(mended.env, s.side, leads(fates))
		spoiler.at = never
	}
	w.passage.spoil(spoiler)
	do.args = append(slices.Clone(do.args), "--output", "json")
	if s.lasting {
		do.args = append(do.args, "--wait-budget", budget.String(), "--inline-wait", "1m")
	}
	mended.most = mostTime
	return mended.run(t, do, never)
}

// document is what a command says it came to.
type document struct {
	Status, Error string
	ExitCode      int
	Targets       []struct {
		Target, Status, ErrorMessage string
		WaitingFor                   *struct{ Kind string }
	}
}

// judge says what a spoiled life broke, before which so many effects were done.
func (s spoilt) judge(t *testing.T, w *world, got outcome, fates *fates, done int) []string {
	t.Helper()
	var broken []string
	breaks := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	for _, told := range slices.Concat(fates.elsewhere.list(), fates.untrusted.list()) {
		breaks("a stranger was asked: %s", told)
	}
	if used := w.memory(t); used > mostMemory {
		breaks("it held %d MiB", used>>20)
	}
	if strings.Contains(got.stdout+got.stderr, "mistake in sluice") {
		breaks("it stumbled over an answer")
	}
	var doc document
	if err := json.Unmarshal([]byte(got.stdout), &doc); err != nil || doc.ExitCode != got.code {
		breaks("no document with its exit code: %v", err)
		return broken
	}
	moved := s.ofStore && s.fault == "redirect" // is a word of GitHub's, and no failure of a moment
	if !s.lasting && !moved && (doc.Status != "succeeded" || got.code != 0) {
		breaks("one bad answer was not asked for again")
	}
	may := map[string][]int{"succeeded": {0}, "pending": {0}, "refused": {4}, "error": {6}}
	if !slices.Contains(may[doc.Status], got.code) {
		breaks("exit %d with status %q", got.code, doc.Status)
	}
	if doc.Status == "succeeded" && len(w.platforms.Effects()) == done {
		breaks("it succeeded, and nothing was done")
	}
	if doc.Status != "succeeded" && !doc.explains() {
		breaks("it does not say why it is not done")
	}
	return broken
}

// explains reports whether a document that is no success says why.
func (d document) explains() bool {
	if d.Error != "" {
		return true
	}
	for _, t := range d.Targets {
		if t.Status != "succeeded" && t.ErrorMessage == "" && t.WaitingFor == nil {
			return false
		}
	}
	return len(d.Targets) > 0
}

// memory is the most that the process which was spoiled held, in bytes.
func (w *world) memory(t *testing.T) int64 {
	t.Helper()
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(read(t, filepath.Join(w.dir, "memory")))
	if found == nil {
		t.Fatal("the system does not tell how much memory it held")
	}
	kib, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func newFates(t *testing.T, words words) *fates {
	t.Helper()
	elsewhere, untrusted := &stranger{}, &stranger{}
	elsewhere.url = listen(t, elsewhere)
	server := httptest.NewUnstartedServer(untrusted)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail, as they must
	server.StartTLS()
	t.Cleanup(server.Close)
	untrusted.url = server.URL
	return &fates{words, elsewhere, untrusted}
}

// isOf says which servers are a side's.
func (w *world) isOf(s side) func(to string) bool {
	return func(to string) bool { return s.ofStore == (to == w.servers.github || to == w.servers.s3) }
}

// lead leads what is a side's in an environment to another address.
func (w *world) lead(env map[string]string, s side, to string) {
	ofStore := []string{"GITHUB_API_URL", "ACTIONS_RESULTS_URL", "AWS_ENDPOINT_URL_S3"}
	for name, value := range env {
		if strings.HasPrefix(value, "http://") && slices.Contains(ofStore, name) == s.ofStore && name != savesAt {
			base := strings.Join(strings.SplitN(value, "/", 4)[:3], "/")
			env[name] = strings.Replace(value, base, to, 1)
		}
	}
}
