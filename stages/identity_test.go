package stages_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"sluice/stages"
	"sluice/stages/driver"
)

// Each identity has a driver of its own, and every request of a target goes through its
// own: what one may do, none does for another.
func TestEachIdentityHasItsDriver(t *testing.T) {
	drivers := map[string]*fake{}
	var opened []string
	s := stages.New(driver.Env{}, stages.Platform{Facts: facts(), Open: func(_ context.Context, env driver.Env) (driver.Driver, error) {
		as := string(env.Identity)
		opened = append(opened, as)
		if env.Sessions == nil {
			t.Error("it shares no sessions")
		}
		drivers[as] = &fake{}
		return drivers[as], nil
	}}).As(func(t driver.Target) json.RawMessage {
		return map[string]json.RawMessage{"api": json.RawMessage(`"a"`), "web": json.RawMessage(`"b"`)}[t.Name]
	})
	live, errs := s.Live(t.Context(), []driver.Target{member("api"), member("web"), member("api"), member("other")})
	for i := range live {
		if errs[i] != nil || live[i].Release.ID != "r1" {
			t.Errorf("%d: %+v, %v", i, live[i], errs[i])
		}
	}
	for _, name := range []string{"api", "web", "other"} {
		target, err := s.Target(member(name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := target.Begin(t.Context(), call(driver.Deploy, member(name))); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(opened)
	if !slices.Equal(opened, []string{"", `"a"`, `"b"`}) {
		t.Errorf("opened as %q, want each once", opened)
	}
	for as, want := range map[string][]string{`"a"`: {"current", "current", "begin"}, `"b"`: {"current", "begin"}, "": {"current", "begin"}} {
		if got := drivers[as].calls; !slices.Equal(got, want) {
			t.Errorf("as %s it was asked %q, want %q", as, got, want)
		}
	}
}
