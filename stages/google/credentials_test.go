package google

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// sees asks what was told when the request is sent.
type sees func(*http.Request)

func (s sees) RoundTrip(r *http.Request) (*http.Response, error) {
	s(r)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func send(ctx context.Context, t *testing.T, a *authorized) error {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://moon.googleapis.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := a.RoundTrip(r)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// A token is told before its first use, wherever it comes from: one that comes about
// without any request, as a signed one does.
func TestTokenIsTold(t *testing.T) {
	var told []string
	a := &authorized{
		keep:    func(value string) { told = append(told, value) },
		now:     time.Now,
		session: &session{turn: make(chan struct{}, 1)},
		fetch:   func(context.Context) (token, error) { return token{value: "made-here", project: "pays"}, nil },
		base: sees(func(r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer made-here" || !slices.Contains(told, "made-here") {
				t.Errorf("%q is sent, and %q was told", r.Header.Get("Authorization"), told)
			}
			if r.Header.Get("X-Goog-User-Project") != "pays" {
				t.Errorf("paid by %q", r.Header.Get("X-Goog-User-Project"))
			}
		}),
	}
	if err := send(t.Context(), t, a); err != nil {
		t.Fatal(err)
	}
}

// A token is used until it is about to end, and whoever waits for a new one can stop.
func TestTokenIsRenewed(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	fetched := 0
	a := &authorized{
		keep:    func(string) {},
		now:     func() time.Time { return now },
		session: &session{turn: make(chan struct{}, 1)},
		base:    sees(func(*http.Request) {}),
		fetch: func(context.Context) (token, error) {
			fetched++
			return token{value: "t", until: now.Add(time.Hour)}, nil
		},
	}
	for _, want := range []struct {
		after   time.Duration
		fetched int
	}{{0, 1}, {50 * time.Minute, 1}, {7 * time.Minute, 2}, {56 * time.Minute, 2}, {time.Minute, 3}} {
		now = now.Add(want.after)
		if err := send(t.Context(), t, a); err != nil || fetched != want.fetched {
			t.Errorf("%v later: %v, %d tokens were asked for, want %d", want.after, err, fetched, want.fetched)
		}
	}
	a.turn <- struct{}{} // somebody else is asking
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := send(ctx, t, a); !errors.Is(err, context.Canceled) || fetched != 3 {
		t.Errorf("%v after %d tokens", err, fetched)
	}
}
