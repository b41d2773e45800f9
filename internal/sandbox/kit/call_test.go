package kit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/sandbox/kit"
)

type call struct{ *http.Request }

func (c call) Decode(into any) error { return json.NewDecoder(c.Body).Decode(into) }

func theShop(c call) (*shop, error) {
	if c.PathValue("shop") != "a" {
		return nil, errors.New("no such shop")
	}
	return &shop{Runs: "v1"}, nil
}

// A call is given what its path names and what its body says, and is refused where either
// is missing.
func TestCalls(t *testing.T) {
	ok, created := kit.Answering[call](http.StatusOK), kit.Answering[call](http.StatusCreated)
	routes := kit.Routes(map[string]kit.Operation[call]{
		"GET /shops/{shop}":   ok(kit.On(theShop, func(_ call, s *shop) (any, error) { return s.Runs, nil })),
		"POST /shops":         created(kit.Taking(func(_ call, in *shop) (any, error) { return in.Runs, nil })),
		"PATCH /shops/{shop}": ok(kit.Changing(theShop, func(_ call, s *shop, in *shop) (any, error) { return s.Runs + in.Runs, nil })),
	}, func(w http.ResponseWriter, r *http.Request, op kit.Operation[call]) {
		body, err := op.Serve(call{r})
		fmt.Fprintf(w, "%d %v %v", op.Status, body, err) //nolint:errcheck // into a buffer
	})
	for request, want := range map[string]string{
		"GET /shops/a":                  "200 v1 <nil>",
		"GET /shops/b":                  "200 <nil> no such shop",
		`POST /shops {"runs":"v2"}`:     "201 v2 <nil>",
		"POST /shops {":                 "201 <nil> unexpected EOF",
		`PATCH /shops/a {"runs":"v3"}`:  "200 v1v3 <nil>",
		`PATCH /shops/b {"runs":"v3"}`:  "200 <nil> no such shop",
		`PATCH /shops/b {"runs":"half`:  "200 <nil> unexpected EOF",
		`DELETE /shops/a {"runs":"v3"}`: "Method Not Allowed\n",
	} {
		words := strings.SplitN(request+" ", " ", 3)
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), words[0], words[1], strings.NewReader(words[2])))
		if got := w.Body.String(); got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
}

func TestLists(t *testing.T) {
	all := []int{1, 2, 3, 4}
	even := kit.Those(all, func(n int) bool { return n%2 == 0 })
	shown := kit.Shown(even, func(n int) any { return kit.Whole(n * 10) })
	if got := fmt.Sprint(even, shown, kit.Shown(nil, kit.Whole[int]) == nil); got != "[2 4] [20 40] false" {
		t.Error(got)
	}
	if got := fmt.Sprint(kit.Fields(shop{Runs: "v1"}).(map[string]any)["runs"], kit.Fields(func() {})); got != "v1<nil>" {
		t.Error(got)
	}
}

// A copy shares nothing with what it was made of, and any error is an answer.
func TestCopiesAndErrors(t *testing.T) {
	one := state{Shops: map[string]*shop{"a": {Runs: "v1"}}}
	other, err := kit.Copy(&one)
	if err != nil {
		t.Fatal(err)
	}
	other.Shops["a"].Runs = "v2"
	if one.Shops["a"].Runs != "v1" {
		t.Error("the copy's shop is the same one")
	}
	if _, err := kit.Copy(new(func())); err == nil {
		t.Error("a function was copied")
	}
	for err, want := range map[error]string{
		kit.Errorf(http.StatusConflict, "InUse", "%s is in use", "a"): "409 InUse: a is in use",
		errors.New("no disk"): "500 Internal: no disk",
	} {
		e := kit.ErrorOf(err, "Internal")
		if got := fmt.Sprint(e.Status, " ", e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
