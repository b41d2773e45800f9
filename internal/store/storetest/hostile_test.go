package storetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/store"
	"sluice/internal/store/storetest"
)

// hostileFlaws are mistakes that a store behind HTTP could make, and the rule
// whose breach the suite reports for each.
var hostileFlaws = map[string]string{
	"none":                 "",
	"empty is nothing":     "unreadable is never empty",
	"any success is saved": "a lost commit was reported as saved",
	"reads once":           "heals by being read again",
	"no limit":             "memory: it took",
	"no deadline":          "bounded time: it took",
	"follows redirects":    "no redirect to another host",
	"sends the token":      "no credentials to another host",
	"panics":               "what cannot be believed is unreadable: panic",
	"writes twice":         "never a second write",
}

func TestHostileNoticesFlaws(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for flaw, rule := range hostileFlaws {
		t.Run(flaw, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestFlawedService$", "-test.v")
			cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
			out, err := cmd.CombinedOutput()
			if rule == "" && err != nil {
				t.Errorf("the suite fails a store without a flaw: %v\n%.3000s", err, out)
			}
			if rule != "" && (err == nil || !strings.Contains(string(out), "broke: ") || !strings.Contains(string(out), rule)) {
				t.Errorf("the suite does not say %q (%v)\n%.3000s", rule, err, out)
			}
		})
	}
}

func TestFlawedService(t *testing.T) {
	flaw := os.Getenv(flawVariable)
	if _, ok := hostileFlaws[flaw]; !ok {
		t.Skip("run by TestHostileNoticesFlaws")
	}
	storetest.Hostile(t, func(*testing.T) storetest.Service {
		f := &shelf{held: map[string]item{}}
		return storetest.Service{
			Open: func(_ *testing.T, wrap func(http.RoundTripper) http.RoundTripper) store.Store {
				return newClient(wrap(f), flaw)
			},
			Label:   func(r *http.Request) string { return r.Method },
			Reads:   func(r *http.Request) bool { return r.Method == http.MethodGet },
			Leads:   func(*http.Request) bool { return false },
			Saves:   func() int { return f.saves },
			Secrets: []string{"the-token"},
		}
	})
}

// item is what the service holds under a name.
type item struct {
	ID         string          `json:"id"` // its version; "none" where there is nothing
	Generation int64           `json:"generation"`
	Data       json.RawMessage `json:"data"`
}

// holds reports whether an item is what e saves, or nothing where e removes it.
func (i item) holds(e store.Entry) bool {
	if e.Data == nil {
		return i.ID == "none"
	}
	return i.Generation == e.Generation && bytes.Equal(i.Data, e.Data)
}

// as is e with the item's version.
func (i item) as(e store.Entry) []store.Entry {
	if e.Version = i.ID; e.Data == nil {
		e.Version = ""
	}
	return []store.Entry{e}
}

// shelf is a service: GET reads an item, or the names of all; PUT replaces it, or
// takes it away where it has no data, if If-Match is its version.
type shelf struct {
	mu    sync.Mutex
	held  map[string]item
	saves int
}

func (f *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w, name := httptest.NewRecorder(), strings.TrimPrefix(r.URL.Path, "/")
	now, ok := f.held[name]
	if !ok {
		now.ID = "none"
	}
	switch {
	case r.Method == http.MethodGet && name == "":
		names := []string{}
		for n := range f.held {
			names = append(names, n)
		}
		reply(w, map[string]any{"id": "list", "names": names})
	case r.Method == http.MethodPut && r.Header.Get("If-Match") != now.ID:
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == http.MethodPut:
		var put item
		if err := json.NewDecoder(r.Body).Decode(&put); err != nil {
			return nil, err
		}
		f.saves++
		if string(put.Data) == "null" {
			delete(f.held, name)
			put.ID = "none"
		} else {
			put.ID = fmt.Sprint("v", f.saves)
			f.held[name] = put
		}
		reply(w, put)
	default:
		reply(w, now)
	}
	return w.Result(), nil
}

func reply(w io.Writer, value any) {
	if err := json.NewEncoder(w).Encode(value); err != nil {
		panic(err)
	}
}

// client is a store on the shelf, good but for its flaw.
type client struct {
	http  *http.Client
	flaw  string
	where store.Places
}

func newClient(transport http.RoundTripper, flaw string) *client {
	c := &client{http: &http.Client{Transport: transport, Timeout: 20 * time.Second}, flaw: flaw}
	if flaw == "no deadline" {
		c.http.Timeout = 0
	}
	if flaw != "follows redirects" && flaw != "sends the token" {
		c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return c
}

func (c *client) Facts() store.Facts   { return store.Facts{Name: "shelf", Swap: true} }
func (c *client) Where() []store.Saved { return c.where.List() }

// ask sends one request and decodes its answer.
func (c *client) ask(ctx context.Context, method, name, match string, body []byte) (found struct {
	item
	Names []string `json:"names"`
}, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "https://shelf.example.com/"+name, bytes.NewReader(body))
	if err != nil {
		return found, 0, err
	}
	request.Header.Set("If-Match", match)
	if c.flaw == "sends the token" {
		request.Header.Set("X-Token", "the-token")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return found, 0, err
	}
	limit := int64(1 << 20)
	if c.flaw == "no limit" {
		limit = 1 << 40
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, limit))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return found, answer.StatusCode, err
	}
	err = json.Unmarshal(text, &found)
	if c.flaw == "empty is nothing" && len(text) == 0 {
		return found, answer.StatusCode, nil
	}
	if c.flaw == "panics" && err != nil {
		panic(err)
	}
	if err == nil && found.ID == "" {
		err = errors.New("no id")
	}
	return found, answer.StatusCode, err
}

func (c *client) read(ctx context.Context, name string) (item, []string, error) {
	for look := 1; ; look++ {
		found, _, err := c.ask(ctx, http.MethodGet, name, "", nil)
		if err == nil && name == "" && found.Names == nil {
			err = errors.New("no names")
		}
		if err == nil || look == 3 || c.flaw == "reads once" {
			return found.item, found.Names, err
		}
	}
}

func unread(op string, err error) error {
	return &store.UnreadableError{Op: op, Err: err, Remedy: "run again"}
}

func (c *client) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	var entries []store.Entry
	for _, k := range keys {
		found, _, err := c.read(ctx, k.Target)
		if err != nil {
			return nil, unread("read", err)
		}
		e := store.Entry{Key: k}
		if found.ID != "none" && found.ID != "" {
			e.Version, e.Generation, e.Data = found.ID, found.Generation, found.Data
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (c *client) List(ctx context.Context, pipeline, kind string) (keys []store.Key, err error) {
	_, names, err := c.read(ctx, "")
	if err != nil {
		return nil, unread("list", err)
	}
	for _, target := range []string{"api", "web"} {
		for _, name := range names {
			if name == target {
				keys = append(keys, store.Key{Pipeline: pipeline, Target: target})
			}
		}
	}
	return keys, nil
}

func (c *client) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	e := entries[0]
	match := e.Version
	if match == "" {
		match = "none"
	}
	body, err := json.Marshal(item{Generation: e.Generation, Data: e.Data})
	if err != nil {
		return nil, err
	}
	saved, status, err := c.ask(ctx, http.MethodPut, e.Key.Target, match, body)
	if c.flaw == "any success is saved" && status == http.StatusOK {
		return saved.as(e), nil
	}
	if err == nil && saved.holds(e) {
		return saved.as(e), nil
	}
	now, _, lost := c.read(ctx, e.Key.Target) // the answer is none: what became of it?
	if lost == nil && now.holds(e) {
		if c.flaw == "writes twice" {
			now, _, lost := c.ask(ctx, http.MethodPut, e.Key.Target, now.ID, body)
			return now.as(e), lost
		}
		return now.as(e), nil
	}
	return nil, unread("write", errors.Join(errors.New("no answer"), err, lost))
}
