package google_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// client reaches a moon that answers everything alike.
func client(t *testing.T, status int, text string) *google.Client {
	t.Helper()
	tr := &transport{answer: func(*http.Request) (int, string) { return status, text }}
	c, err := google.Open(env(tr, map[string]string{override: "http://127.0.0.1:1"}), moon())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is no answer whatever was asked for, and what is none to this request.
func TestWhatIsNoAnswer(t *testing.T) {
	for _, tt := range []struct {
		path, text string
		status     int
		want       string // "" for an answer
	}{
		{crater, craterText, 200, ""},
		{crater, " \n" + craterText + "\n", 200, ""},
		{crater, `{"name":"projects/4711/craters/x","uid":"u"}`, 200, ""}, // the project by its number
		{crater, craterText, 201, "status 200, not 201"},
		{crater, "", 204, "status 200, not 204"},
		{crater, "", 200, "it is empty"},
		{crater, "null", 200, "no JSON object"},
		{crater, "[]", 200, "no JSON object"},
		{crater, `"ok"`, 200, "no JSON object"},
		{crater, "7", 200, "no JSON object"},
		{crater, "<html>", 200, "no JSON"},
		{crater, craterText[:10], 200, "no JSON"},
		{crater, craterText + "{}", 200, "something follows"},
		{crater, craterText + "<!-- -->", 200, "something follows"},
		{crater, `{"name":"projects/p/craters/x","uid":"u","rims":[{"a":[1,null]}]}`, 200, "a null in one of its lists"},
		{crater, `{"name":"projects/p/craters/x","uid":"u","rims":[{"a":null}]}`, 200, ""},
		{crater, "{}", 200, "it has no name"},
		{crater, `{"name":7,"uid":"u"}`, 200, "it has no name"},
		{crater, `{"name":"projects/p/craters/y","uid":"u"}`, 200, `it is about "projects/p/craters/y"`},
		{crater, `{"name":"projects/q/craters/x","uid":"u"}`, 200, `it is about "projects/q/craters/x"`},
		{crater, `{"name":"x","uid":"u"}`, 200, `it is about "x"`},
		{crater, `{"name":"projects/p/craters/x"}`, 200, "it has no uid"},
		{crater, `{"name":"projects/p/craters/x","uid":""}`, 200, "it has no uid"},
		{crater, `{"name":"projects/p/craters/x","uid":"u","UID":""}`, 200, `it has both "UID" and "uid"`},
		{"v1/projects/p/craters", `{}`, 200, ""},
		{"v1/projects/p/craters", `{"craters":[` + craterText + `]}`, 200, ""},
		{"v1/projects/p/craters", `{"craters":[` + craterText + `,{}]}`, 200, "craters 2: it has no name"},
		{"v1/projects/p/craters", `{"craters":[{"name":"projects/p/seas/x","uid":"u"}]}`, 200, "craters 1: it is about"},
		{"v1/projects/p/craters", `{"craters":{"name":"x"}}`, 200, "its craters are no list"},
		{"v1/projects/p/craters", craterText, 200, "no page of a list"},
		{"v1/projects/p/craters", `{"unreachable":["far"]}`, 200, `["far"] could not be reached`},
		{"v1/projects/p/seas/x", `{"name":"projects/p/seas/x"}`, 200, `nothing is known of what "seas" holds`},
		{crater, "<html>", 404, "without the error that Google's APIs give"},
		{crater, "{}", 404, "without the error that Google's APIs give"},
		{crater, `{"error":{"code":404}}`, 503, "its status is 503, and its text says 404"},
		{crater, `{"error":{"code":404}}`, 404, "googleapi: got HTTP response code 404"},
		{crater, "<html>", 503, "googleapi: got HTTP response code 503"},
	} {
		_, err := client(t, tt.status, tt.text).Get(t.Context(), tt.path)
		if tt.want == "" && err == nil {
			continue
		}
		if tt.want == "" || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s to %s: %v, want %q", tt.status, tt.text, tt.path, err, tt.want)
		}
		x := google.Explain(err, google.Remedies{})
		if !strings.HasPrefix(tt.want, "googleapi") && (x.Code != driver.Lost || !strings.Contains(x.Message, "what came to GET "+tt.path)) {
			t.Errorf("%d %s to %s: %+v", tt.status, tt.text, tt.path, x)
		}
	}
}

// The next page is no page that was there already.
func TestPages(t *testing.T) {
	var circle google.Pages
	if err := errors.Join(circle.Turn(""), circle.Turn("a"), circle.Turn("b"), circle.Turn("")); err != nil {
		t.Error(err)
	}
	if err := circle.Turn("a"); err == nil || google.Explain(err, google.Remedies{}).Code != driver.Lost {
		t.Errorf("a circle: %v", err)
	}
	var endless google.Pages
	n := 0
	for n < 10_000 && endless.Turn(strconv.Itoa(n)) == nil {
		n++
	}
	if n == 10_000 {
		t.Error("a list without an end is read without an end")
	}
}

// says is a driver whose reads say one thing after the other, the last for ever.
type says struct {
	driver.Driver
	things []thing
	reads  int
}

// thing is what a read says; fields that are not the method's are not looked at.
type thing struct {
	release  string
	finding  driver.Severity
	first    bool
	verdict  driver.Verdict
	outcome  driver.Outcome
	problem  string
	notFound bool
}

func (d *says) next() (thing, error) {
	said := d.things[min(d.reads, len(d.things)-1)]
	d.reads++
	if said.notFound {
		return said, &google.NotFoundError{Text: "not there"}
	}
	return said, nil
}

func (d *says) Live(context.Context, []driver.Target) ([]driver.Live, []error) {
	said, err := d.next()
	return []driver.Live{driver.Whole(driver.Release{ID: said.release})}, []error{err}
}

func (d *says) Resolve(context.Context, driver.Target, string) (driver.Release, error) {
	said, err := d.next()
	return driver.Release{ID: said.release}, err
}

func (d *says) Prepare(context.Context, driver.Call) (driver.Prepared, error) {
	said, err := d.next()
	p := driver.Prepared{Findings: []driver.Finding{{Severity: said.finding, Message: "m"}}}
	if said.first {
		p.First = []string{"prod"}
	}
	return p, err
}

func (d *says) operation() (thing, driver.Operation, error) {
	said, err := d.next()
	r := driver.Result{Outcome: said.outcome, Release: driver.Release{ID: said.release}}
	if said.problem != "" {
		r.Errors = []driver.Problem{{Code: said.problem}}
	}
	return said, driver.Operation{Results: map[string]driver.Result{"prod": r}}, err
}

func (d *says) Lookup(context.Context, driver.Call) (driver.Verdict, driver.Operation, error) {
	said, op, err := d.operation()
	return said.verdict, op, err
}

func (d *says) Make(context.Context, driver.Target, string) (driver.Release, error) {
	return driver.Release{}, nil
}

func (d *says) Operation(context.Context, driver.Target, string) (driver.Operation, time.Duration, error) {
	_, op, err := d.operation()
	return op, 0, err
}

func (d *says) Poll(context.Context, driver.Operation) (driver.Operation, time.Duration, error) {
	_, op, err := d.operation()
	return op, 0, err
}

func (d *says) Explain(err error) driver.Explanation { return google.Explain(err, google.Remedies{}) }

// What needs a person, or would have the driver act on nothing, is read twice;
// nothing else is, and two reads that differ are no answer.
func TestConfirmed(t *testing.T) {
	ctx := t.Context()
	methods := map[string]func(driver.Driver) error{
		"live":    func(d driver.Driver) error { _, errs := d.Live(ctx, make([]driver.Target, 1)); return errs[0] },
		"resolve": func(d driver.Driver) error { _, err := d.Resolve(ctx, driver.Target{}, "r"); return err },
		"prepare": func(d driver.Driver) error { _, err := d.Prepare(ctx, driver.Call{}); return err },
		"lookup":  func(d driver.Driver) error { _, _, err := d.Lookup(ctx, driver.Call{}); return err },
		"poll":    func(d driver.Driver) error { _, _, err := d.Poll(ctx, driver.Operation{}); return err },
	}
	fine := thing{release: "r", verdict: driver.Found, outcome: driver.Succeeded, finding: driver.Warn}
	for method, grave := range map[string][]thing{
		"live":    {{}, {notFound: true}},
		"resolve": {{notFound: true}},
		"prepare": {{finding: driver.Refuse}, {finding: driver.Foreign}, {first: true}, {notFound: true}},
		"lookup":  {{verdict: driver.Absent}, {verdict: driver.ForeignChange}, {verdict: driver.Found, outcome: driver.Failed, problem: "FOREIGN"}},
		"poll":    {{outcome: driver.Failed, problem: "NOT_DEPLOYED"}, {outcome: driver.Succeeded}},
	} {
		once := &says{things: []thing{fine}}
		if err := methods[method](google.Confirmed(once)); err != nil || once.reads != 1 {
			t.Errorf("%s: %v after %d reads of what is fine", method, err, once.reads)
		}
		for _, g := range grave {
			twice := &says{things: []thing{g}}
			err := methods[method](google.Confirmed(twice))
			if code := twice.Explain(err).Code; twice.reads != 2 || g.notFound && code != driver.NotFound || !g.notFound && err != nil {
				t.Errorf("%s: %v after %d reads of %+v", method, err, twice.reads, g)
			}
			for _, things := range [][]thing{{g, fine}, slices.Insert(slices.Clone(grave), 0, g)[:2]} {
				differ := &says{things: things}
				if things[0] == things[1] {
					continue
				}
				if err := methods[method](google.Confirmed(differ)); err == nil || differ.Explain(err).Code != driver.Lost {
					t.Errorf("%s: %v after %+v", method, err, things)
				}
			}
		}
	}
}
