package actions_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/actions"
)

const token = "ghs_token"

// inProcess serves requests without a network, so that time can be faked.
type inProcess func(n int, w http.ResponseWriter, r *http.Request)

type counted struct {
	handle inProcess
	calls  atomic.Int32
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody // as a server has it
	}
	w := httptest.NewRecorder()
	c.handle(int(c.calls.Add(1)), w, r)
	return w.Result(), nil
}

func client(t *testing.T, handle inProcess) (*actions.Client, *counted) {
	t.Helper()
	transport := &counted{handle: handle}
	c, err := actions.NewClient(actions.ClientConfig{Repository: "octocat/shop", Token: token, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return c, transport
}

func TestRepository(t *testing.T) {
	c, _ := client(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "https://api.github.com/repos/octocat/shop" || r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s with authorization %q", r.URL, r.Header.Get("Authorization"))
		}
		fmt.Fprint(w, `{"id":12,"default_branch":"trunk","visibility":"private"}`)
	})
	got, err := c.Repository(t.Context())
	if want := (actions.Repository{ID: 12, DefaultBranch: "trunk", Visibility: "private"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRetries(t *testing.T) {
	refuse := func(status int, header ...string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, `{"message":"slow down"}`)
		}
	}
	cases := []struct {
		name, method string
		refuse       func(http.ResponseWriter)
		times        int // that the request is refused; then it succeeds
		calls        int
		ok, limited  bool
	}{
		{"a read that fails twice", "GET", refuse(502), 2, 3, true, false},
		{"a read that always fails", "GET", refuse(500), 9, 4, false, false},
		{"a write that fails", "POST", refuse(502), 1, 1, false, false},
		{"a read that is not found", "GET", refuse(404), 1, 1, false, false},
		{"a write after 429", "POST", refuse(429, "Retry-After", "7"), 1, 2, true, false},
		{"429 for ever", "GET", refuse(429, "Retry-After", "7"), 9, 4, false, true},
		{"429 for an hour", "GET", refuse(429, "Retry-After", "3600"), 1, 1, false, true},
		{"429 without a word", "POST", refuse(429), 1, 2, true, false},
		{"the primary limit", "POST", refuse(403, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", "100", "Date", "Thu, 01 Jan 1970 00:01:00 GMT"), 1, 2, true, false},
		{"a secondary limit", "POST", refuse(403, "Retry-After", "2"), 1, 2, true, false},
		{"a missing permission", "GET", refuse(403, "X-RateLimit-Remaining", "17"), 1, 1, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, transport := client(t, func(n int, w http.ResponseWriter, r *http.Request) {
					if body, err := io.ReadAll(r.Body); r.Method == "POST" && (err != nil || string(body) != "{\"a\":\"<b>\"}\n") {
						t.Errorf("attempt %d has body %q, %v", n, body, err)
					}
					if n <= c.times {
						c.refuse(w)
						return
					}
					fmt.Fprint(w, "{}")
				})
				err := send(t.Context(), client, c.method)
				if (err == nil) != c.ok || int(transport.calls.Load()) != c.calls {
					t.Errorf("%d calls, %v; want %d calls, ok %v", transport.calls.Load(), err, c.calls, c.ok)
				}
				limit, isLimit := errors.AsType[*actions.RateLimitError](err)
				if isLimit != c.limited {
					t.Errorf("error %v, want a rate limit: %v", err, c.limited)
				}
				if isLimit && (limit.Message != "slow down" || limit.RetryAfter < time.Second) {
					t.Errorf("rate limit %+v", limit)
				}
			})
		})
	}
}

func send(ctx context.Context, client *actions.Client, method string) error {
	var body any
	if method == "POST" {
		body = map[string]string{"a": "<b>"}
	}
	request, err := client.NewRequest(method, "repos/octocat/shop/things", body)
	if err != nil {
		return err
	}
	_, err = client.Do(ctx, request, nil)
	return err
}

func TestCancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		client, transport := client(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			time.AfterFunc(3*time.Second, cancel)
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(429)
		})
		if err := send(ctx, client, "GET"); !errors.Is(err, context.Canceled) || transport.calls.Load() != 1 {
			t.Errorf("%d calls, %v", transport.calls.Load(), err)
		}
	})
}

// TestNoWaitBeyondTheDeadline: a wait that the caller would not see the end of
// is not begun, and the caller learns why.
func TestNoWaitBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second)
		defer cancel()
		started := time.Now()
		client, transport := client(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(429)
		})
		err := send(ctx, client, "GET")
		if _, ok := errors.AsType[*actions.RateLimitError](err); !ok || transport.calls.Load() != 1 || time.Since(started) != 0 {
			t.Errorf("%d calls, %v after %s", transport.calls.Load(), err, time.Since(started))
		}
	})
}

func TestErrorBodiesAreBounded(t *testing.T) {
	const size = 10 << 20
	var sent atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(404)
		for sent.Load() < size {
			n, err := w.Write(make([]byte, 64<<10))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	c, err := actions.NewClient(actions.ClientConfig{APIURL: server.URL, Repository: "octocat/shop", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	request, err := c.NewRequest("GET", "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.HTTP.Do(request.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil || len(body) > 64<<10 {
		t.Errorf("an error's body of %d bytes, %v", len(body), err)
	}
}

func TestTokenStaysWithTheAPI(t *testing.T) {
	var leaked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
	}))
	t.Cleanup(other.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	t.Cleanup(api.Close)
	c, err := actions.NewClient(actions.ClientConfig{APIURL: api.URL, Repository: "octocat/shop", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{api.URL + "/x", other.URL + "/x"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.HTTP.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if leaked.Load() != 0 {
		t.Error("the token went to another host")
	}
}

func TestNewClientRefuses(t *testing.T) {
	for want, config := range map[string]actions.ClientConfig{
		"not owner/name":           {Repository: "shop", Token: token},
		"unencrypted":              {Repository: "o/n", Token: token, APIURL: "http://api.example.com"},
		"GITHUB_TOKEN is not set":  {Repository: "o/n"},
		`"o/n/x", not owner/name`:  {Repository: "o/n/x", Token: token},
		"is not a URL with a host": {Repository: "o/n", Token: token, APIURL: "api"},
	} {
		if _, err := actions.NewClient(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestGitHubOfARun(t *testing.T) {
	byInput := inside(map[string]string{"GITHUB_REPOSITORY": "octocat/shop", "INPUT_TOKEN": "from-the-input"})
	if _, err := byInput.GitHub(); err != nil || byInput.log.String() != "::add-mask::from-the-input\n" {
		t.Errorf("wrote %q, %v", byInput.log, err)
	}
	r := inside(map[string]string{"GITHUB_REPOSITORY": "octocat/shop", "GITHUB_TOKEN": "from-the-environment", "INPUT_TOKEN": "from-the-input"})
	c, err := r.GitHub()
	if err != nil || c.Owner != "octocat" || c.Name != "shop" {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := r.log.String(); got != "::add-mask::from-the-environment\n" {
		t.Errorf("wrote %q: the variable comes first and is masked before its first use", got)
	}
	if again, err := r.GitHub(); err != nil || again != c {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := inside(map[string]string{"GITHUB_REPOSITORY": "o/n"}).GitHub(); !errors.Is(err, actions.ErrNoToken) {
		t.Errorf("without a token: %v", err)
	}
}

func TestRemedies(t *testing.T) {
	answer := func(status int) error {
		c, _ := client(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		return send(t.Context(), c, "PATCH")
	}
	for want, err := range map[string]error{
		"permissions: {contents: write}":                    answer(403),
		"give the job permissions: {contents: write}":       answer(404),
		"GITHUB_TOKEN is wrong or has expired":              answer(401),
		"GitHub is failing":                                 answer(503),
		"check the network":                                 errors.New("dial tcp: refused"),
		"env: {GITHUB_TOKEN: ${{ github.token }}}":          actions.ErrNoToken,
		"wait 1h0m0s and run again":                         &actions.RateLimitError{Status: 429, RetryAfter: time.Hour},
		"check that the token has permissions: {contents: ": answer(422),
	} {
		if got := actions.Remedy(err, "contents: write"); !strings.Contains(got, want) {
			t.Errorf("remedy for %v is %q, want %q in it", err, got, want)
		}
	}
}
