package app

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"sluice/internal/draft"
	"sluice/internal/outside/outsidetest"
	"sluice/internal/proof/prooftest"
	"sluice/internal/redact"
	"sluice/internal/store"
	"sluice/internal/store/storetest"
	"sluice/rollout"
	"sluice/stages"
	"sluice/stages/all"
	"sluice/stages/driver"

	"gopkg.in/yaml.v3"
)

// orbit is a pipeline on the moon.
const orbit = `name: shop
stages:
  - name: staging
    targets: [{name: source, moon: {crater: a}}]
  - name: production
    targets: [{name: api, moon: {crater: b}}]
`

// base is where commands are run: a pipeline on the moon, a state, and what a step of
// a workflow has.
type base struct {
	dir    string
	moon   *moon
	memory *storetest.Memory
	env    map[string]string             // beside a step's own
	stdin  string                        // the pipeline file
	steps  int                           // those that were run
	ended  map[string]bool               // the delimiters that outputs ended with
	asked  http.Handler                  // answers what the program asks over the network; nil where it asks nobody
	before func(store.Store) store.Store // stands before the store; nil for nothing
	wire   *wire                         // carries what the program asks; nil where asked does

	platforms []stages.Platform
}

func newBase(t *testing.T, m *moon) *base {
	t.Helper()
	if m.runs == nil {
		m.runs = map[string]string{"source": "r2", "api": "r1"}
	}
	return &base{dir: t.TempDir(), moon: m, memory: storetest.NewMemory(), stdin: orbit, ended: map[string]bool{}, platforms: []stages.Platform{m.platform()}}
}

// told is all that a command told.
type told struct {
	args                     []string
	inside                   bool // it was a step of a workflow
	code                     int
	stdout, stderr           string
	outputs, summary, report string
	guessed                  string // a delimiter of outputs that was used before; "" for none
}

// mode is a way in which commands are run.
type mode struct {
	name string
	env  map[string]string
}

// modes are how commands are run: as a step of a workflow and at a desk, with text and
// with one document.
func modes() []mode {
	step := func(output string) mode {
		return mode{"step " + output, map[string]string{
			"SLUICE_OUTPUT":  output,
			"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "octo/shop", "GITHUB_REPOSITORY_ID": "1", "GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "deploy", "GITHUB_ACTION": "sluice", "GITHUB_ACTOR": "anna", "GITHUB_TRIGGERING_ACTOR": "anna",
			"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_REF": "refs/heads/main",
		}}
	}
	return []mode{step("text"), {"desk json", map[string]string{"SLUICE_OUTPUT": "json"}}, {"desk text", nil}, step("json")}
}

// inSteps are the modes of a step of a workflow.
func inSteps() []mode { return []mode{modes()[0], modes()[3]} }

// run runs a command line in one of the modes.
func (b *base) run(t *testing.T, as mode, args ...string) told {
	t.Helper()
	output, summary, page := filepath.Join(b.dir, "output"), filepath.Join(b.dir, "summary"), filepath.Join(b.dir, "site", "index.html")
	env := map[string]string{
		"GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": summary,
		"SLUICE_STORE": "file:" + filepath.Join(b.dir, "state"), "SLUICE_FILE": "-", "HOME": b.dir,
	}
	maps.Copy(env, as.env)
	b.steps++
	if env["GITHUB_ACTIONS"] != "" {
		env["GITHUB_RUN_ID"] = strconv.Itoa(b.steps)
	}
	maps.Copy(env, b.env)
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		environ = append(environ, name+"="+env[name])
	}
	for _, file := range []string{output, summary, page} {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	p := Process{
		Args: args, Stdin: strings.NewReader(b.stdin), Stdout: &stdout, Stderr: &stderr, Environ: environ,
		Store: func(store.Store) store.Store {
			if b.before != nil {
				return b.before(b.memory.Another())
			}
			return b.memory.Another()
		},
	}
	if b.asked != nil {
		p.Transport = &carried{by: b.asked}
	}
	if b.wire != nil {
		p.Transport = b.wire.transport()
	}
	if b.env["SLUICE_STORE"] != "" {
		p.Store = nil
	}
	inv := newInvocation(p)
	inv.platforms = b.platforms
	code := inv.run(t.Context())
	inv.close()
	got := told{args: args, inside: inv.runner.Inside(), code: code, stdout: stdout.String(), stderr: stderr.String()}
	got.guessed = b.guessed(read(t, output))
	got.outputs, got.summary, got.report = read(t, output), read(t, summary), read(t, page)
	return got
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// guessed is a delimiter of a file of outputs that whoever saw an earlier one could put
// into an answer; "" for none.
func (b *base) guessed(outputs string) string {
	_, delimiters, _ := outsidetest.Outputs(outputs, outputNames())
	for _, delimiter := range delimiters {
		if b.ended[delimiter] {
			return delimiter
		}
		b.ended[delimiter] = true
	}
	return ""
}

// outputNames are those of action.yml.
func outputNames() []string {
	return []string{"status", "promotion", "release", "targets", "next", "matrix", "generation", "state"}
}

// judged is what is wrong with what a command told.
func (g told) judged() []string {
	var wrong []string
	about := func(where string, found []string) {
		for _, one := range found {
			wrong = append(wrong, "sluice "+strings.Join(g.args, " ")+": "+where+": "+one)
		}
	}
	about("the log", outsidetest.Terminal(g.stderr))
	if strings.HasPrefix(g.stdout, "{") {
		about("the document", outsidetest.Document(g.stdout))
	} else {
		about("the text", outsidetest.Terminal(g.stdout))
	}
	if g.inside {
		about("the log", outsidetest.Runner(g.stderr))
		about("the text", outsidetest.Runner(g.stdout))
	}
	_, _, bad := outsidetest.Outputs(g.outputs, outputNames())
	about("the outputs", bad)
	if g.guessed != "" {
		wrong = append(wrong, "an output ends with "+g.guessed+", as another before")
	}
	about("the summary", outsidetest.Markdown(g.summary, "https://github.example/octo/shop/actions/runs/", "https://github.example/octo/shop/commit/"))
	about("the report", outsidetest.Page(g.report))
	if strings.Contains(g.stderr+g.stdout, "mistake in sluice") {
		wrong = append(wrong, "it fell: "+g.stderr)
	}
	return wrong
}

// shows is where a credential is seen in what a command told.
func (g told) shows(secret string) []string {
	var wrong []string
	log := strings.ReplaceAll(g.stderr, "::add-mask::"+escapedCommand(secret)+"\n", "")
	for where, text := range map[string]string{"log": log, "standard output": g.stdout, "outputs": g.outputs, "summary": g.summary, "report": g.report} {
		for _, found := range outsidetest.Shows(text, secret) {
			wrong = append(wrong, "sluice "+strings.Join(g.args, " ")+": the "+where+": "+found)
		}
	}
	return wrong
}

// escapedCommand is text as a workflow command carries it.
func escapedCommand(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// tour are the commands that tell of the moon.
func tour() [][]string {
	return [][]string{
		{"plan", "--to", "production"},
		{"promote", "--to", "production", "--wait-budget", "2m"},
		{"status"}, {"history"}, {"events"}, {"get", "r2-to-api-0001"},
		{"operation", "crossing-1", "--target", "api"},
		{"promote", "--to", "staging", "--release", "new", "--description", "d"},
		{"rollback", "--target", "api", "--reason", "it is slow"},
		{"reconcile"},
	}
}

// tour are the commands that tell of what the moon says, or that write what was found
// there.
func (m *moon) tour(dir string) [][]string {
	if m.says.method == "Find" || m.fails.method == "Find" {
		return [][]string{begins(dir)}
	}
	return tour()
}

// begins is the command that writes files of what was found.
func begins(dir string) []string {
	return []string{"init", "moon", "a", "--file", "sluice.yaml", "--out", filepath.Join(dir, "written")}
}

// drafted is what is wrong with the files that a command wrote from what was found: each
// is YAML of the shape that it has when nothing is hostile, nothing of the words acts in
// it, and no credential is seen. No files are none that are wrong: what cannot be written
// safely is refused.
func drafted(t *testing.T, dir, secret string) []string {
	t.Helper()
	var wrong []string
	honest := honestDraft()
	for _, file := range slices.Sorted(maps.Keys(honest)) {
		text := read(t, filepath.Join(dir, "written", file))
		if text == "" {
			continue
		}
		for _, found := range slices.Concat(outsidetest.Terminal(text), outsidetest.Shows(text, secret)) {
			wrong = append(wrong, file+": "+found)
		}
		if got, want := shapeOf(text), shapeOf(honest[file]); got != want {
			wrong = append(wrong, file+" has another shape:\n"+got+"\nwithout hostile words:\n"+want)
		}
	}
	return wrong
}

// honestDraft are the files that are drafted where nothing is hostile, by their path.
var honestDraft = sync.OnceValue(func() map[string]string {
	m := &moon{}
	found, err := m.Find(context.Background(), "a")
	if err != nil {
		panic(err)
	}
	d, err := draft.Of(m.platform().Facts, []draft.Source{{What: "a", Found: found}})
	if err != nil {
		panic(err)
	}
	workflows, err := d.Workflows("sluice.yaml")
	if err != nil {
		panic(err)
	}
	files := map[string]string{"sluice.yaml": string(d.File("sluice init moon a"))}
	for _, w := range workflows {
		files[filepath.Join(".github", "workflows", w.Name)] = string(w.Text)
	}
	return files
})

// shapeOf is YAML with an x for each text, so that what differs is what it means.
func shapeOf(text string) string {
	var all any
	if err := yaml.Unmarshal([]byte(text), &all); err != nil {
		return "no YAML: " + err.Error()
	}
	var shape func(v any) any
	shape = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for key := range v {
				v[key] = shape(v[key])
			}
			return v
		case []any:
			for i := range v {
				v[i] = shape(v[i])
			}
			return v
		default:
			return fmt.Sprintf("%T", v)
		}
	}
	shaped, err := yaml.Marshal(shape(all))
	if err != nil {
		panic(err) // it was just read
	}
	return string(shaped)
}

// someOf is one of a list, the n-th in turn, or all of it where everything is to be tried:
// each place in each way and each mode.
func someOf[T any](list []T, n int) []T {
	if prooftest.Whole() {
		return list
	}
	return list[n%len(list):][:1]
}

// hostile are the cases of one entry by which text comes from outside. Each is a test of
// its own beside the others, and is counted.
type hostile struct {
	entry string
	table *prooftest.Table
}

// from counts the cases of an entry. What they came to is told when all of them are over.
func from(t *testing.T, entry string) hostile {
	t.Helper()
	h := hostile{entry, prooftest.NewTable("hostile")}
	t.Cleanup(func() { h.table.Print(t) })
	return h
}

// try has the words in the n-th place, in each of some modes, or in the one whose turn it
// is. do returns what acted, or was seen of a credential; its time is its own.
func (h hostile) try(t *testing.T, kind, place string, n int, modes []mode, do func(t *testing.T, n int, as mode) []string) {
	t.Helper()
	t.Run(place, func(t *testing.T) {
		t.Parallel()
		for _, as := range someOf(modes, n) {
			t.Run(as.name, func(t *testing.T) {
				defer func() { h.table.Add(h.entry, kind, !t.Failed()) }()
				synctest.Test(t, func(t *testing.T) {
					for _, one := range do(t, n, as) {
						t.Error(one)
					}
				})
			})
		}
	})
}

// TestHostileDrivers: each text of each answer that a driver can give is hostile, and
// has a credential of the program's in it: one after the other, in each way that an
// effect goes. Nothing of it acts in anything that any command tells, the credential
// is nowhere, and every place was reached. A field that is added to the contract has
// its place here by itself.
func TestHostileDrivers(t *testing.T) {
	t.Parallel()
	h := from(t, "driver")
	places, failures := sayings()
	for i, said := range places {
		for _, way := range someOf(said.ways(), i) {
			h.try(t, "answers", said.String()+" "+string(way), i, modes(), func(t *testing.T, n int, as mode) []string {
				m := &moon{says: said, way: way}
				if said.method == "Explain" {
					m.fails = failing{method: "Begin", err: "no", Explanation: driver.Explanation{Code: driver.Invalid}}
				}
				return hostileTour(t, m, n, as)
			})
		}
	}
	for i, f := range failures {
		for _, code := range someOf([]driver.Code{driver.Invalid, driver.Conflict, driver.Lost, driver.NotFound}, i) {
			h.try(t, "errors", f.method+" fails, "+string(code), i, modes(), func(t *testing.T, n int, as mode) []string {
				m := &moon{fails: failing{method: f.method, Explanation: driver.Explanation{Code: code}}, way: goesWell}
				if f.method == "Lookup" {
					m.way = isLost
				}
				return hostileTour(t, m, n, as)
			})
		}
	}
}

// hostileTour goes through all commands, and finds what acted and what of a credential
// was seen or saved.
func hostileTour(t *testing.T, m *moon, n int, as mode) []string {
	t.Helper()
	b := newBase(t, m)
	secret := b.plant(n)
	m.words = secret + " " + outsidetest.Words
	wrong := b.told(t, as, secret, m.tour(b.dir)...)
	wrong = append(wrong, drafted(t, b.dir, secret)...)
	wrong = append(wrong, b.saved(t, secret)...)
	if !m.said {
		wrong = append(wrong, "no command was told it: add the way on which it is")
	}
	return wrong
}

// told runs commands, and finds what acted in what they tell and what of a credential is
// seen there.
func (b *base) told(t *testing.T, as mode, secret string, commands ...[]string) []string {
	t.Helper()
	var wrong []string
	for _, args := range commands {
		got := b.run(t, as, args...)
		wrong = slices.Concat(wrong, got.judged(), got.shows(secret))
	}
	return wrong
}

// plant gives the program a credential, each of those that it knows by turns, and in
// each form.
func (b *base) plant(n int) string {
	names, secret := credentialNames(all.Platforms()), secretOf(n)
	b.env = map[string]string{names[n%len(names)]: secret}
	return secret
}

// secretOf is the credential of the n-th place.
func secretOf(n int) string { return outsidetest.Secrets()[n%len(outsidetest.Secrets())] }

// saved finds what a redaction would still take out of the state.
func (b *base) saved(t *testing.T, secret string) []string {
	t.Helper()
	var known redact.Set
	known.Add(secret)
	var wrong []string
	for key, data := range b.entries(t) {
		clean, err := rollout.Redact(data, known.Text)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(clean, data) {
			wrong = append(wrong, key.String()+" holds a credential: "+string(data))
		}
	}
	return wrong
}
