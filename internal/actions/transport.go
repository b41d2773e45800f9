package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/outside"
	"sluice/internal/transport"
	"sluice/internal/work"
)

const (
	maxErrorBody = 64 << 10
	// maxBody is the most of any answer that is not decoded as JSON.
	maxBody = 16 << 20
	tries   = 4
	// maxRateWait is the longest that a rate limit is waited out in process.
	maxRateWait = time.Minute
)

// RateLimitError means that GitHub refused a request for its rate: 429, or 403
// in one of the forms of the primary and secondary limits. The request had no
// effect.
type RateLimitError struct {
	Status     int
	RetryAfter time.Duration // at least a second
	Message    string
}

// Error says when to try again.
func (e *RateLimitError) Error() string {
	text := fmt.Sprintf("GitHub's rate limit is used up (%d), try again in %s", e.Status, e.RetryAfter)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// authorised is the one round-tripper before GitHub's API, under the rules of
// [transport]. It authorises
// requests to the API's own host alone, so that a redirect carries no token
// away; bounds bodies; turns rate limits into [*RateLimitError]; and repeats
// what certainly had no effect: rate-limited requests whose wait is short, and
// reads that failed.
type authorised struct {
	next  http.RoundTripper
	host  string
	token string
	clock work.Clock
	wait  time.Duration // before the first repetition
}

func newTransport(config ClientConfig, base *url.URL) http.RoundTripper {
	next := transport.New(config.Transport, transport.Options{Limit: maxBody, Raw: true})
	return &authorised{next: next, host: base.Host, token: config.Token, clock: config.Clock, wait: config.Wait}
}

// errAgain marks an answer that is worth another attempt.
var errAgain = errors.New("the answer is worth another attempt")

// RoundTrip sends the request, up to four times.
func (t *authorised) RoundTrip(request *http.Request) (*http.Response, error) {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.Multiplier = t.clock.InMachine(t.wait), 2
	response, err := backoff.Retry(request.Context(),
		func() (*http.Response, error) { return t.attempt(request) },
		backoff.WithBackOff(delays), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	if _, ok := errors.AsType[*backoff.RetryAfterError](err); ok && response != nil {
		wait, _ := t.rateLimit(response)
		return nil, limited(response, wait)
	}
	if errors.Is(err, errAgain) {
		return response, nil
	}
	if err != nil {
		return nil, err
	}
	return response, nil
}

// attempt sends the request once. An error that is not permanent is worth
// another attempt.
func (t *authorised) attempt(request *http.Request) (*http.Response, error) {
	response, err := t.send(request)
	if err == nil && response.StatusCode < 300 {
		return response, nil
	}
	if err == nil {
		err = buffer(response)
	}
	if err != nil && transport.IsRead(request) && request.Context().Err() == nil {
		return nil, err
	}
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	if wait, ok := t.rateLimit(response); ok {
		if wait > maxRateWait || !t.clock.Outlasts(request.Context(), wait) {
			return nil, backoff.Permanent(limited(response, wait))
		}
		return response, &backoff.RetryAfterError{Duration: t.clock.InMachine(wait)}
	}
	if response.StatusCode >= 500 && transport.IsRead(request) {
		return response, errAgain
	}
	return response, nil
}

func (t *authorised) send(request *http.Request) (*http.Response, error) {
	clone := request.Clone(request.Context())
	if request.GetBody != nil {
		body, err := request.GetBody()
		if err != nil {
			return nil, err
		}
		clone.Body = body
	}
	if clone.URL.Host == t.host {
		clone.Header.Set("Authorization", "Bearer "+t.token)
	}
	return t.next.RoundTrip(clone)
}

// buffer reads an error's body, as far as anybody wants it, and closes it.
func buffer(response *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

// rateLimit reports whether a refused request hit a limit, and when it may be
// sent again.
func (t *authorised) rateLimit(response *http.Response) (time.Duration, bool) {
	header := response.Header
	spent := header.Get("X-RateLimit-Remaining") == "0"
	switch response.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		if !spent && header.Get("Retry-After") == "" && !strings.Contains(peek(response), "secondary rate limit") {
			return 0, false
		}
	default:
		return 0, false
	}
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		return max(time.Duration(seconds)*time.Second, time.Second), true
	}
	if reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64); err == nil && spent {
		return max(time.Unix(reset, 0).Sub(t.date(header)), time.Second), true
	}
	return maxRateWait, true // GitHub's word where it gives no time
}

// date is the server's time, so that our clock does not matter.
func (t *authorised) date(header http.Header) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		return at
	}
	return t.clock.Now()
}

func peek(response *http.Response) string {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return ""
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}

func limited(response *http.Response, wait time.Duration) error {
	return &RateLimitError{Status: response.StatusCode, RetryAfter: wait.Round(time.Second), Message: message(peek(response))}
}

// message is GitHub's own sentence in an error's body.
func message(body string) string {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal([]byte(body), &answer) != nil {
		return ""
	}
	return outside.Short(answer.Message, 300)
}
