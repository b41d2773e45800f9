package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/outside"
	"sluice/internal/transport"
)

const (
	// mostSpans are in one request: collectors take 20 MiB, and a span has about 1 KiB.
	mostSpans  = 2000
	mostAnswer = 64 << 10
	mostTries  = 5
	firstPause = 500 * time.Millisecond
)

// sendSpans sends all spans, in as many requests as they need.
func (r *Recorder) sendSpans(ctx context.Context, spans []span) {
	sent := 0
	var err error
	for part := range slices.Chunk(spans, mostSpans) {
		request := traceRequest{[]resourceSpans{{r.resource(), []scopeSpans{{r.scope(), part}}, schemaURL}}}
		if err = r.post(ctx, *r.traces, request); err != nil {
			break
		}
		sent += len(part)
	}
	if err != nil {
		r.Warn(fmt.Sprintf("%d of %d spans were not taken by OpenTelemetry's collector: %v; the promotion is what it is", len(spans)-sent, len(spans), err))
	}
}

func (r *Recorder) sendMetrics(ctx context.Context, list []metric) {
	request := metricRequest{[]resourceMetrics{{r.resource(), []scopeMetrics{{r.scope(), list}}, schemaURL}}}
	if err := r.post(ctx, *r.metrics, request); err != nil {
		r.Warn(fmt.Sprintf("the metrics were not taken by OpenTelemetry's collector: %v; the promotion is what it is", err))
	}
}

// post sends one request, again where it may be taken the next time.
func (r *Recorder) post(ctx context.Context, to target, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if to.gzip {
		if body, err = zipped(body); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, to.timeout)
	defer cancel()
	client := &http.Client{
		Transport:     transport.New(r.Transport, transport.Options{Deadline: to.timeout, Raw: true, Limit: mostAnswer}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = firstPause
	var last error // why, where the time was over in a pause
	said, err := backoff.Retry(ctx, func() (string, error) {
		said, err := once(ctx, client, to, body)
		if err != nil {
			last = err
		}
		return said, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(mostTries), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil && said != "":
		r.Warn("OpenTelemetry's collector says: " + r.Redact(said))
		return nil
	case err != nil && last != nil && ctx.Err() != nil:
		return plainly(last)
	default:
		return plainly(err)
	}
}

// plainly is an error without what only says how often it was tried.
func plainly(err error) error {
	var permanent *backoff.PermanentError
	if errors.As(err, &permanent) {
		return permanent.Unwrap()
	}
	return err
}

// later is an answer that says when to try again.
type later struct {
	code int
	wait *backoff.RetryAfterError
}

func (e *later) Error() string { return fmt.Sprintf("it answered %d", e.code) }
func (e *later) Unwrap() error { return e.wait }

// once sends a request and returns what a collector that took it has to say. Of the
// address nothing is told: it may be a secret.
func once(ctx context.Context, client *http.Client, to target, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url, bytes.NewReader(body))
	if err != nil {
		return "", backoff.Permanent(errors.New("its address is no URL"))
	}
	for key, v := range to.headers {
		req.Header.Set(key, v)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "OTel-OTLP-Exporter-sluice")
	if to.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", errors.New("it cannot be reached")
	}
	defer func() { _ = resp.Body.Close() }()                       // it is read
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, mostAnswer)) // what is left out only tells less
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return partial(answer), nil
	case code == http.StatusTooManyRequests, code == http.StatusBadGateway, code == http.StatusServiceUnavailable, code == http.StatusGatewayTimeout:
		wait, ok := retryAfter(resp.Header.Get("Retry-After"))
		end, bounded := ctx.Deadline()
		switch {
		case ok && bounded && time.Until(end) < wait:
			return "", backoff.Permanent(fmt.Errorf("it answered %d, and wants to be asked again after %s", code, wait))
		case ok:
			return "", &later{code, &backoff.RetryAfterError{Duration: wait}}
		}
		return "", fmt.Errorf("it answered %d", code)
	default:
		return "", backoff.Permanent(fmt.Errorf("it answered %d%s", code, why(answer)))
	}
}

// retryAfter reads the header's seconds.
func retryAfter(text string) (time.Duration, bool) {
	seconds, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || seconds < 0 {
		return 0, false
	}
	return time.Duration(min(seconds, 3600)) * time.Second, true
}

// partial is what a collector says that took a part alone, or warns.
func partial(answer []byte) string {
	var said struct {
		PartialSuccess struct {
			Spans   json.RawMessage `json:"rejectedSpans"` // text or a number
			Points  json.RawMessage `json:"rejectedDataPoints"`
			Message string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return ""
	}
	p := said.PartialSuccess
	text := outside.Short(outside.Line(p.Message), mostWords)
	for _, n := range []json.RawMessage{p.Spans, p.Points} {
		count := strings.Trim(string(n), `"`)
		if number, err := strconv.ParseUint(count, 10, 64); err == nil && number > 0 {
			text = strings.TrimSuffix(count+" were not taken: "+text, ": ")
		}
	}
	return text
}

// why is what a collector says that took nothing.
func why(answer []byte) string {
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &said) != nil || said.Message == "" {
		return ""
	}
	return ": " + outside.Short(outside.Line(said.Message), mostWords)
}

// mostWords is how much of what a collector says is shown.
const mostWords = 300

func zipped(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
