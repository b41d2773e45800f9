package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/transport"
	"sluice/rollout"
)

const (
	maxBody         = 1 << 20          // how much of an answer is read to look for contains
	defaultInterval = 5 * time.Second  // the pause between two attempts
	attemptTimeout  = 30 * time.Second // bounds one attempt, so that one lost answer does not use up all
)

// ask asks a URL until it answers as wanted, or the attempts are used up. With
// whole it returns the body of that answer.
func (r *Runner) ask(ctx context.Context, h *rollout.HTTPGate, whole bool) ([]byte, error) {
	interval := h.Interval.Std()
	if interval <= 0 {
		interval = defaultInterval
	}
	attempts := max(h.Attempts, 1)
	body, err := backoff.Retry(ctx, func() ([]byte, error) {
		return r.once(ctx, h, whole)
	}, backoff.WithBackOff(backoff.NewConstantBackOff(interval)), backoff.WithMaxTries(uint(attempts)), backoff.WithMaxElapsedTime(0))
	if err != nil && attempts > 1 {
		return nil, fmt.Errorf("%w (%d attempts)", err, attempts)
	}
	return body, err
}

// unwantedError is an answer that is not as wanted.
type unwantedError struct{ text string }

func (e *unwantedError) Error() string { return e.text }

func unwanted(format string, args ...any) error {
	return &unwantedError{text: fmt.Sprintf(format, args...)}
}

func (r *Runner) once(ctx context.Context, h *rollout.HTTPGate, whole bool) ([]byte, error) {
	method := h.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, h.URL, nil)
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	if req.Header, err = r.headers(h); err != nil {
		return nil, backoff.Permanent(err)
	}
	req.Host = req.Header.Get("Host") // net/http takes it from there alone
	client := &http.Client{Transport: r.underRules(), CheckRedirect: asked}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read as far as wanted
	if err := judge(h, resp.StatusCode); err != nil || h.Contains == "" && !whole {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return nil, err
	}
	return body, judgeBody(h, resp.StatusCode, body)
}

// underRules is the transport with the rules of every client. An answer may be
// of any length and encoding: no more than maxBody of it is read.
func (r *Runner) underRules() http.RoundTripper {
	base := r.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	return transport.New(base, transport.Options{Limit: math.MaxInt64, Deadline: attemptTimeout, Raw: true})
}

// asked keeps to the URL that was asked: a redirect is an answer, and its
// status what is judged.
func asked(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func judge(h *rollout.HTTPGate, status int) error {
	want := h.Status
	if want == 0 {
		want = http.StatusOK
	}
	if status != want {
		return unwanted("%s answered %d, not %d", h.URL, status, want)
	}
	return nil
}

func judgeBody(h *rollout.HTTPGate, status int, body []byte) error {
	switch {
	case strings.Contains(string(body), h.Contains):
		return nil
	case len(body) == maxBody:
		return unwanted("%s answered %d, but the first %d MiB of its body do not contain %q; no more is read", h.URL, status, maxBody>>20, h.Contains)
	default:
		return unwanted("%s answered %d, but its body does not contain %q", h.URL, status, h.Contains)
	}
}

// reference is an environment variable in the value of a header. Anything else
// with a dollar sign stays as it is.
var reference = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`) })

// headers fills the environment's values into a check's headers.
func (r *Runner) headers(h *rollout.HTTPGate) (http.Header, error) {
	return r.filled(h.Headers, "the check of "+h.URL)
}

// filled fills the environment's values into the headers of a request: ${NAME}.
// The values go to the request and nowhere else.
func (r *Runner) filled(values map[string]string, of string) (http.Header, error) {
	headers := http.Header{}
	var missing []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		headers.Set(name, reference().ReplaceAllStringFunc(values[name], func(match string) string {
			variable := match[2 : len(match)-1]
			value, ok := r.lookup(variable)
			if !ok {
				missing = append(missing, fmt.Errorf("header %s of %s wants the environment variable %s, which is not set or empty", name, of, variable))
			}
			if r.Mask != nil {
				r.Mask(value)
			}
			return value
		}))
	}
	return headers, errors.Join(missing...)
}

// lookup reads a variable, without the white space around it: a secret is pasted
// with its line break more often than not, and no header takes one. The last one
// counts. An empty one is unset: that is how a workflow passes a secret that is
// not there.
func (r *Runner) lookup(name string) (string, bool) {
	for _, kv := range slices.Backward(r.Environ) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			value = strings.TrimSpace(value)
			return value, value != ""
		}
	}
	return "", false
}
