package pipeline_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/pipeline"
	"sluice/stages/driver"
)

// one is a pipeline of one target; key is added to the target.
func one(key string) string {
	return "name: shop\nstages:\n  - name: production\n    targets:\n      - name: web\n        alpha: {id: web}\n        " + key + "\n"
}

func TestDefaults(t *testing.T) {
	p := parse(t, one(""))
	target := p.Stages[0].Targets[0]
	if p.Timeout != 24*time.Hour || target.Timeout != 24*time.Hour || target.OperationTimeout != time.Hour {
		t.Errorf("timeouts are %v, %v, %v", p.Timeout, target.Timeout, target.OperationTimeout)
	}
	if p.State.Store.Value != "artifact" || p.State.Branch != "sluice-state" || p.State.History != 20 || p.State.Refs != nil {
		t.Errorf("state is %+v", p.State)
	}
	if s := p.Stages[0]; s.OnFailure != pipeline.Continue || s.Supersede || s.Approval != nil || target.Canary != nil {
		t.Errorf("stage is %+v", s)
	}
	if target.Poll != (driver.Backoff{}) {
		t.Errorf("poll is %+v; the platform's own is wanted", target.Poll)
	}
}

func TestDigestIsOfTheBytes(t *testing.T) {
	a, b := parse(t, one("")), parse(t, one("")+"# a comment\n")
	if a.Digest == b.Digest || !strings.HasPrefix(a.Digest, "sha256:") || len(a.Digest) != len("sha256:")+64 {
		t.Errorf("digests are %q and %q", a.Digest, b.Digest)
	}
}

func TestConfigIsJSON(t *testing.T) {
	p := parse(t, chain)
	target, err := p.Target("api")
	if err != nil {
		t.Fatal(err)
	}
	want := driver.Target{Name: "api", Stage: "production", Platform: "beta"}
	got := target.Driver()
	if config := string(got.Config); config != `{"fast":true,"id":"a","places":["a","bc"]}` {
		t.Errorf("config is %s", config)
	}
	if got.Config = nil; got.Name != want.Name || got.Stage != want.Stage || got.Platform != want.Platform {
		t.Errorf("driver's target is %+v", got)
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour,
		"1d12h": 36 * time.Hour, "0.5d": 12 * time.Hour, "366d": 366 * 24 * time.Hour,
	} {
		if got := parse(t, one("timeout: "+text)).Stages[0].Targets[0].Timeout; got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"1", "d", "1d-1h", "-1d", "1e3d", "7dd", "9999999d", "367d", "0s", `""`, "[1h]", "1d1"} {
		if got := refused(t, one("timeout: "+text)); !strings.Contains(got, "timeout: ") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestPercentagesStayExact(t *testing.T) {
	p := parse(t, one("strategy: {canary: {percentages: [0.1, 0.10000000000000001, 10, 10.50, 20.00, 99.9999999999999999]}}"))
	var got []string
	for _, phase := range p.Stages[0].Targets[0].Canary.Phases {
		got = append(got, phase.Percent.Value)
	}
	if want := "0.1 0.10000000000000001 10 10.5 20 99.9999999999999999"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// A canary without a wait is advanced by a person; a wait of nothing is not.
func TestWait(t *testing.T) {
	if c := parse(t, one("strategy: {canary: {percentages: [1]}}")).Stages[0].Targets[0].Canary.Phases[0]; c.Wait != nil {
		t.Errorf("wait is %v", *c.Wait)
	}
	if c := parse(t, one("strategy: {canary: {percentages: [1], wait: 0s}}")).Stages[0].Targets[0].Canary.Phases[0]; c.Wait == nil || *c.Wait != 0 {
		t.Errorf("wait is %v, want 0s", c.Wait)
	}
}

func TestPositionsCountCharacters(t *testing.T) {
	got := refused(t, "name: shop\ndescription: \"日本\"\nlabels: {größe: x, Größe: y}\nstages: [{name: production, targets: [{name: web, alpha: {id: web}}]}]\n")
	if want := "test.yaml:3:20: label \"Größe\""; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s…", got, want)
	}
}

func TestLimits(t *testing.T) {
	deep := "name: shop\nstages: " + strings.Repeat("[", 31) + strings.Repeat("]", 31)
	many := "name: shop\nstages: [" + strings.Repeat("x,", 20_000) + "]"
	bomb := "a: &a [x]\nb: &b [" + strings.Repeat("*a,", 1000) + "]\nc: [" + strings.Repeat("*b,", 250) + "]"
	for name, c := range map[string]struct{ src, want string }{
		"size":           {strings.Repeat("#", pipeline.MaxSize+1), "at most 8388608"},
		"size is fine":   {strings.Repeat("#", pipeline.MaxSize), "the file is empty"},
		"depth":          {"name: [" + deep[len("name: shop\nstages: "):] + "]", "more than 32"},
		"depth is fine":  {deep, "a stage is a mapping"},
		"depth by alias": {"a: &a [" + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "]\nb: " + strings.Repeat("[", 17) + "*a" + strings.Repeat("]", 17), "test.yaml:2:21: more than 32"},
		"written out":    {many, "there are more mistakes than can be listed"},
		"aliases":        {bomb, "its aliases add more than 500000 values"},
		"few aliases":    {strings.Replace(bomb, "*b,", "", 10), `unknown key "a"`},
		"aliases grow":   {explosion(), "its aliases add more than 500000 values"},
		"deep and wide":  {strings.Repeat("[", 9000), "this is not YAML"},
		"many problems":  {"name: shop\nstages: [" + strings.Repeat("x,", 9_000) + "]", "a stage is a mapping"},
		"not text":       {"\xff\xfe", "UTF-8"},
		"carriage":       {"name: shop\rstages: []\rx: y", "test.yaml:3:1: unknown key"},
		"endless line":   {"name: " + strings.Repeat("x", 100_000) + "\nstages: []", "is not a name"},
		"broken at last": {strings.Repeat("# x\n", 500) + "a: [", "test.yaml:501:1: this is not YAML"},
		"broken bracket": {"a: [x,\nx,\nx]\nb: [x,\nx,\nx]\nc: [x\nd: [x,\nx]\n", "test.yaml:7:1: this is not YAML"},
		"broken large":   {strings.Repeat("a: [x,\n  x]\n", 1_000) + "a: [x\nb: [x]\n" + strings.Repeat("a: x\n", 1_000), "test.yaml:2001:1: this is not YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := refused(t, c.src); !strings.Contains(got, c.want) {
				t.Errorf("got %.300s, want %s", got, c.want)
			}
		})
	}
}

// explosion is a file whose aliases, written out, are more values than there are
// numbers to count them.
func explosion() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := range 25 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 9))
	}
	return b.String()
}

// A platform's own mistake must not become a crash of the file's reader.
func TestFactsWithABadPattern(t *testing.T) {
	broken := []driver.Facts{{Platform: "alpha", Keys: []driver.Key{{Name: "id", Type: driver.String, Pattern: "("}}}}
	if p, problems := pipeline.Parse("test.yaml", []byte(one("")), broken); p == nil {
		t.Errorf("refused: %v", problems)
	}
	if p, problems := pipeline.Parse("test.yaml", []byte(one("")), nil); p != nil || len(problems) == 0 {
		t.Error("a target parses although no platform is known")
	}
}

// FuzzParse looks for panics, for problems outside the file, and for files
// that are refused without a reason.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"../testdata/ok/*.yaml", "../testdata/err/*.yaml"} {
		for _, file := range files(f, pattern) {
			f.Add(read(f, file))
		}
	}
	known := append(facts(), platforms(f)...)
	f.Fuzz(func(t *testing.T, src []byte) {
		p, problems := pipeline.Parse("fuzz.yaml", src, known)
		if (p == nil) != pipeline.Failed(problems) {
			t.Fatalf("pipeline is %v with the problems %v", p, problems)
		}
		lines := bytes.Count(src, []byte("\n")) + bytes.Count(src, []byte("\r")) + bytes.Count(src, []byte("\xc2\x85")) + bytes.Count(src, []byte("\xe2\x80")) + 1
		for _, problem := range problems {
			if problem.Pos.Line < 1 || problem.Pos.Line > lines || problem.Pos.Col < 1 || problem.Message == "" {
				t.Errorf("%v is not a place in a file of %d lines", problem, lines)
			}
		}
		pipeline.Format(problems)
		if p == nil {
			return
		}
		for target := range p.All() {
			if _, err := p.Source(target); err != nil {
				t.Errorf("parses, but %v", err)
			}
			p.Blocked(pipeline.Question{Stage: target.Stage.Name.Value, Target: target.Name.Value, Action: "promote", Invoker: "person", Now: time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)})
		}
	})
}
