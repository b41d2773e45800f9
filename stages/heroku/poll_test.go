package heroku_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/stages/driver"
)

// lists counts the requests for a list, by the end of its path.
func lists(requests []string, list string) int {
	n := 0
	for _, r := range requests {
		if strings.HasSuffix(r, "/"+list) {
			n++
		}
	}
	return n
}

// followed begins a call and polls it to its end by one driver, as an invocation does.
func (a *account) followed(c driver.Call, between func(poll int)) (driver.Operation, []string) {
	a.Helper()
	p, d := a.prepare(c), a.open()
	before := len(a.requests())
	op, err := d.Begin(a.Context(), p.Call)
	a.must(err)
	for poll := range 10 {
		op.Call = p.Call
		if op, _, err = d.Poll(a.Context(), op); err != nil {
			a.Fatal(err)
		}
		if op.Finished() {
			return op, a.requests()[before:]
		}
		between(poll)
		a.clock.Move(10 * time.Second)
	}
	a.Fatalf("never ends: %+v", op)
	return op, nil
}

func nothing(int) {}

type released struct {
	ID      string
	Version int
}

// Which releases a promotion made is told once; how far they are the list of what the
// apps run tells, by which success is read back anyway.
func TestPromotionIsAskedOnceForItsReleases(t *testing.T) {
	a := newAccount(t)
	op, requests := a.followed(a.promotion("web-staging", "web-eu", "web-us", "web-ap"), nothing)
	for name, r := range op.Results {
		if r.Outcome != driver.Succeeded || !strings.Contains(r.Log, "Migrations: done.") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if asked, read := lists(requests, "promotion-targets"), lists(requests, "latest-releases"); asked != 1 || read != 1 {
		t.Errorf("the promotion's targets were asked for %d times, the newest releases %d times, want 1 and 1: %v", asked, read, requests)
	}
}

// What went wrong only the promotion says.
func TestPromotionIsAskedWhatWentWrong(t *testing.T) {
	a := newAccount(t, "web-us:deploy:fail")
	op, requests := a.followed(a.promotion("web-staging", "web-eu", "web-us", "web-ap"), nothing)
	if r := op.Results["web-us"]; r.Outcome != driver.Failed || !strings.Contains(r.Errors[0].Message, "Release command failed") {
		t.Errorf("web-us: %+v", r)
	}
	if r := op.Results["web-eu"]; r.Outcome != driver.Succeeded {
		t.Errorf("web-eu: %+v", r)
	}
	if asked := lists(requests, "promotion-targets"); asked != 2 {
		t.Errorf("the promotion's targets were asked for %d times, want 2: %v", asked, requests)
	}
}

// A release of the same slug that somebody else makes meanwhile is not the promotion's.
func TestReleaseOfSomebodyElseIsNotThePromotions(t *testing.T) {
	a := newAccount(t)
	c := a.promotion("web-staging", "web-eu", "web-us")
	op, requests := a.followed(c, func(poll int) {
		if poll == 0 {
			a.call("POST", "/apps/storefront-us/releases", map[string]string{"slug": c.Changes[0].Release.ID}, nil)
			a.call("GET", "/apps/storefront-us/releases", nil, nil) // its release phase ends
		}
	})
	var all []released
	a.call("GET", "/apps/storefront-us/releases", nil, &all)
	newest := slices.MaxFunc(all, func(x, y released) int { return x.Version - y.Version })
	ours := op.Results["web-us"].Release.Platform
	if !slices.ContainsFunc(all, func(r released) bool { return r.ID == ours }) || ours == newest.ID {
		t.Errorf("web-us is said to run release %q, and somebody else made %q", ours, newest.ID)
	}
	if asked := lists(requests, "promotion-targets"); asked < 2 {
		t.Errorf("the promotion's targets were asked for %d times only: %v", asked, requests)
	}
}
