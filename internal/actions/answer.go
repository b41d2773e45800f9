package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Answer is what a call of the API is decoded into.
type Answer interface {
	// Proven says what the answer lacks to be what was asked for: the fields that
	// identify it. Nil means that it may be believed.
	Proven() error
}

// Long is an [Answer] that may be longer than others.
type Long interface {
	// Most is how many bytes of it are read.
	Most() int64
}

// AnswerError means that an answer of success is not what was asked for: empty,
// something else's, or without what identifies it. Nothing follows from it;
// after a write, the write may have taken effect or not.
type AnswerError struct {
	What string // the request
	Err  error
}

// Error names the request and what is wrong with its answer.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s: the answer is not GitHub's: %v", e.What, e.Err)
}

// Unwrap gives the cause.
func (e *AnswerError) Unwrap() error { return e.Err }

const (
	// maxJSON is the most that is read of one answer, unless it is [Long].
	maxJSON = 1 << 20
	// reads is how often something is read that was answered with nothing to
	// believe.
	reads = 3
)

// Get reads path, up to three times until the answer is one. Errors:
// [*AnswerError], [*RateLimitError], and go-github's for a refusal.
func Get[T any, A interface {
	*T
	Answer
}](ctx context.Context, c *Client, path string) (T, error) {
	return again(ctx, c.wait, func() (T, error) { return ask[T, A](ctx, c, http.MethodGet, path, nil) })
}

// Send writes, once. Its errors are those of [Get]; after an [*AnswerError] the
// caller looks whether the write took effect.
func Send[T any, A interface {
	*T
	Answer
}](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	return ask[T, A](ctx, c, method, path, body)
}

// Raw reads the bytes behind path, at most limit, up to three times until
// proven is content with them.
func (c *Client) Raw(ctx context.Context, path string, limit int64, proven func([]byte) error) ([]byte, error) {
	return again(ctx, c.wait, func() ([]byte, error) {
		request, err := c.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Accept", "application/vnd.github.v3.raw")
		text, what, err := c.exchange(ctx, request, limit)
		if err != nil {
			return nil, err
		}
		if err := proven(text); err != nil {
			return nil, &AnswerError{what, err}
		}
		return text, nil
	})
}

// again repeats a read whose answer could not be believed.
func again[T any](ctx context.Context, wait time.Duration, read func() (T, error)) (T, error) {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.Multiplier = wait/5, 2 // nobody asked us to wait
	return backoff.Retry(ctx, func() (T, error) {
		got, err := read()
		if _, ok := errors.AsType[*AnswerError](err); err != nil && !ok {
			err = backoff.Permanent(err)
		}
		return got, err
	}, backoff.WithBackOff(delays), backoff.WithMaxTries(reads), backoff.WithMaxElapsedTime(0))
}

func ask[T any, A interface {
	*T
	Answer
}](ctx context.Context, c *Client, method, path string, body any) (answer T, err error) {
	request, err := c.NewRequest(method, path, body)
	if err != nil {
		return answer, err
	}
	limit := int64(maxJSON)
	if long, ok := any(&answer).(Long); ok {
		limit = long.Most()
	}
	text, what, err := c.exchange(ctx, request, limit)
	if err != nil {
		return answer, err
	}
	err = json.Unmarshal(text, &answer)
	if err == nil {
		err = A(&answer).Proven()
	}
	if err != nil {
		return *new(T), &AnswerError{what, err}
	}
	return answer, nil
}

// exchange sends a request and reads its whole answer.
func (c *Client) exchange(ctx context.Context, request *http.Request, limit int64) (text []byte, what string, err error) {
	what = request.Method + " " + request.URL.Path
	response, err := c.BareDo(ctx, request)
	if err != nil {
		return nil, what, err
	}
	text, err = io.ReadAll(io.LimitReader(response.Body, limit+1))
	err = errors.Join(err, response.Body.Close())
	switch {
	case err != nil:
		return nil, what, &AnswerError{what, err}
	case int64(len(text)) > limit:
		return nil, what, &AnswerError{what, tooLong(limit)}
	}
	return text, what, nil
}

func tooLong(limit int64) error {
	return fmt.Errorf("it is longer than any answer: more than %d bytes", limit)
}

// MaxItems is the most that a [List] holds: GitHub's longest, a tree, has as
// many. Small JSON makes large lists.
const MaxItems = 100_000

// List is a list in an answer. It is nil where the answer has none: null, or
// nothing, is no empty list.
type List[T any] []T

// UnmarshalJSON refuses what is no list and what is too long, before it is all
// decoded.
func (l *List[T]) UnmarshalJSON(text []byte) error {
	in := json.NewDecoder(bytes.NewReader(text))
	if first, err := in.Token(); err != nil || first != json.Delim('[') {
		return errors.New("it is not a list")
	}
	list := List[T]{}
	for in.More() {
		if len(list) == MaxItems {
			return fmt.Errorf("it is longer than any answer: a list of more than %d", MaxItems)
		}
		var item T
		if err := in.Decode(&item); err != nil {
			return err
		}
		list = append(list, item)
	}
	*l = list
	return nil
}
