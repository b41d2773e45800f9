package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// body is an answer's, counted and within its deadline.
type body struct {
	counted  io.ReadCloser
	ctx      context.Context //nolint:containedctx // the request's own: it ends with the body
	cancel   context.CancelFunc
	deadline *DeadlineError
	host     string
	raw      bool
	values   values
}

// Read reads until the limit or the deadline; beyond either it is an error.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.counted.Read(p)
	if !b.raw && b.values.add(p[:n]) > MostValues {
		b.cancel()
		return 0, &LimitError{Host: b.host, Values: MostValues}
	}
	if err == nil {
		return n, nil
	}
	if many, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = &LimitError{Host: b.host, Limit: many.Limit}
	} else if !errors.Is(err, io.EOF) && errors.Is(context.Cause(b.ctx), b.deadline) {
		err = b.deadline
	} else {
		err = unsaid(b.host, err)
	}
	b.cancel()
	return n, err
}

// Close ends the request.
func (b *body) Close() error {
	err := b.counted.Close()
	b.cancel()
	return err
}

// values counts JSON values as their text goes by: what opens one and what
// stands between two, outside of strings. Text that is no JSON is counted too,
// and is none too soon.
type values struct {
	count           int64
	inside, escaped bool // a string; behind a backslash in it
}

// add counts what text brings, and is the count so far.
func (v *values) add(text []byte) int64 {
	for _, c := range text {
		switch {
		case v.escaped:
			v.escaped = false
		case v.inside:
			v.escaped, v.inside = c == '\\', c != '"'
		case c == '"':
			v.inside = true
		case c == ',' || c == '{' || c == '[':
			v.count++
		}
	}
	return v.count
}
