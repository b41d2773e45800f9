package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/transport"
)

const (
	service = "/twirp/github.actions.results.api.v1.ArtifactService/"
	// How GitHub's own client repeats: five attempts, 3 s apart, then half as
	// long again each time.
	attempts      = 5
	firstWait     = 3 * time.Second
	waitFactor    = 1.5
	maxWait       = time.Minute
	maxAnswer     = 8 << 20
	maxErrorBody  = 64 << 10
	maxErrorShown = 300
	// maxListed is more artifacts than a run can have: 500 a job, 256 jobs.
	maxListed = 128_000
)

// StatusError is an answer of the service or its storage that is no success.
type StatusError struct {
	What    string // the call
	Status  int
	Message string // the service's own words, shortened
}

// Error names the call and the status.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %d %s", e.What, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Is makes the statuses that have a meaning of their own comparable.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrExists:
		return e.Status == http.StatusConflict
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrQuota:
		return strings.Contains(strings.ToLower(e.Message), "insufficient usage")
	}
	return false
}

// retryable reports whether GitHub's own client would try again.
func (e *StatusError) retryable() bool {
	return !errors.Is(e, ErrQuota) && slices.Contains([]int{429, 500, 502, 503, 504}, e.Status)
}

// AnswerError means that an answer of success is not what was asked for: empty,
// something else's, or without what identifies it. Nothing follows from it.
type AnswerError struct {
	What string // the call
	Err  error
}

// Error names the call and what is wrong with its answer.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s: the answer is not the artifact service's: %v", e.What, e.Err)
}

// Unwrap gives the cause.
func (e *AnswerError) Unwrap() error { return e.Err }

// call sends one method of the service and decodes the answer, again until it
// carries what proven wants of it. Where the method writes, a repetition is
// refused if the first one took effect.
func (c *Client) call(ctx context.Context, method string, request map[string]any, proven func(fields) error) (fields, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	return retry(ctx, c, func() (fields, error) {
		text, err := c.send(ctx, method, body)
		if c.act && isCutOff(err) {
			return nil, backoff.Permanent(err) // act panicked: it will again
		}
		if err != nil {
			return nil, err
		}
		answer, err := decodeFields(text)
		if err != nil {
			return nil, &AnswerError{method, err}
		}
		if ok := answer.text("ok"); ok == "false" {
			return nil, backoff.Permanent(fmt.Errorf("%s: the artifact service answered that it failed", method))
		}
		if err := proven(answer); err != nil {
			return nil, &AnswerError{method, err}
		}
		return answer, nil
	})
}

func (c *Client) send(ctx context.Context, method string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.origin+service+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	text, _, err := do(c.http, request, method, maxAnswer)
	return text, err
}

// do sends a request and reads at most limit bytes of its answer. The request's
// address may carry a signature, so errors name what was done instead.
func do(client *http.Client, request *http.Request, what string, limit int64) (text []byte, status int, err error) {
	response, err := client.Do(request)
	if err != nil {
		return nil, 0, unaddressed(what, err)
	}
	refused := response.StatusCode < 200 || response.StatusCode > 299
	if refused {
		limit = maxErrorBody
	}
	text, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, 0, unaddressed(what, err)
	}
	if refused {
		return nil, 0, &StatusError{What: what, Status: response.StatusCode, Message: message(text)}
	}
	if int64(len(text)) > limit {
		return nil, 0, &longError{what, limit}
	}
	return text, response.StatusCode, nil
}

// message is what an error's body says: twirp's msg, or its text.
func message(body []byte) string {
	var twirp struct {
		Message string `json:"msg"`
	}
	text := string(body)
	if json.Unmarshal(body, &twirp) == nil && twirp.Message != "" {
		text = twirp.Message
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxErrorShown {
		return strings.ToValidUTF8(text, "")
	}
	return strings.ToValidUTF8(text[:maxErrorShown], "") + "…"
}

// longError is an answer of more than limit bytes.
type longError struct {
	what  string
	limit int64
}

func (e *longError) Error() string { return fmt.Sprintf("%s: more than %d bytes", e.what, e.limit) }

func isLong(err error) bool {
	_, here := errors.AsType[*longError](err)
	_, below := errors.AsType[*transport.LimitError](err)
	return here || below
}

// retry repeats work as GitHub's own client does. A status that is final ends
// it; so does ctx, and a second answer that is too long.
func retry[T any](ctx context.Context, c *Client, work func() (T, error)) (T, error) {
	delays := &backoff.ExponentialBackOff{
		InitialInterval: c.clock.InMachine(c.wait), Multiplier: waitFactor, MaxInterval: c.clock.InMachine(maxWait),
		RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	long := 0
	return backoff.Retry(ctx, func() (T, error) {
		result, err := work()
		if isLong(err) {
			long++
		}
		if long > 1 {
			return result, backoff.Permanent(err)
		}
		if status, ok := errors.AsType[*StatusError](err); ok && !status.retryable() {
			err = backoff.Permanent(err)
		}
		if err != nil && ctx.Err() != nil {
			err = backoff.Permanent(context.Cause(ctx))
		}
		return result, err
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(attempts), backoff.WithMaxElapsedTime(0))
}
