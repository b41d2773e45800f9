// Package notify tells others what an invocation came to: a webhook, in the
// envelope of CloudEvents with the types of CDEvents, or Slack. Telling is never
// worth a failure: what cannot be told is a warning.
package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"sluice/internal/transport"
	"sluice/internal/view"
	"sluice/pipeline"
)

// Signature is the header with the HMAC-SHA256 of the body, in hex after "sha256=".
const Signature = "X-Sluice-Signature-256"

const (
	attempts    = 4
	firstPause  = time.Second
	attemptTime = 10 * time.Second
	wholeTime   = 30 * time.Second // of one hook with all its attempts
)

// Message is what an invocation came to. It holds no secret.
type Message struct {
	ID       string // the same for every hook and attempt
	Pipeline string
	Command  string
	Outcome  view.Outcome
	Error    string // why the command did not do its work; "" where it did
	RunURL   string // "" outside Actions
	At       time.Time
}

// Told is which of [pipeline.Told] a message is; "" for what nobody is told.
func (m Message) Told() string {
	switch m.Outcome.Status {
	case view.Succeeded:
		return pipeline.ToldSucceeded
	case view.Failed, view.Error:
		return pipeline.ToldFailed
	case view.Pending:
		for _, t := range m.Outcome.Targets {
			if t.WaitingFor != nil && t.WaitingFor.Person() {
				return pipeline.ToldWaiting
			}
		}
		return pipeline.ToldPending
	default:
		return ""
	}
}

// Teller sends messages.
type Teller struct {
	Getenv    func(string) string
	Transport http.RoundTripper // nil is one of its own
	Warn      func(text string) // says what could not be told
}

// Tell tells each hook that wants to know. It waits for them, half a minute each at
// most.
func (t Teller) Tell(ctx context.Context, hooks []*pipeline.Hook, m Message) {
	for _, h := range hooks {
		if err := t.tell(ctx, h, m); err != nil {
			t.Warn(fmt.Sprintf("%s could not be told that %s %s: %v; the promotion is what it is", name(h), m.Command, m.Outcome.Status, err))
		}
	}
}

// name says which hook it is. Slack's address is a secret.
func name(h *pipeline.Hook) string {
	if h.Slack != "" {
		return "Slack (" + h.Slack + ")"
	}
	return h.URL.Value
}

func (t Teller) tell(ctx context.Context, h *pipeline.Hook, m Message) error {
	told := m.Told()
	wanted := false
	for _, event := range h.Events {
		wanted = wanted || event == told
	}
	if !wanted {
		return nil
	}
	send, err := t.request(h, m, told)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	client := &http.Client{
		Transport:     transport.New(t.Transport, transport.Options{Deadline: attemptTime, Raw: true}),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = firstPause
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, send(ctx, client) }, backoff.WithBackOff(pauses), backoff.WithMaxTries(attempts))
	return err
}

// request prepares what is sent to a hook, again and again where it has to be.
func (t Teller) request(h *pipeline.Hook, m Message, told string) (func(context.Context, *http.Client) error, error) {
	address, kind := h.URL.Value, "application/cloudevents+json"
	body, err := event(m, told)
	if h.Slack != "" {
		address, kind = strings.TrimSpace(t.Getenv(h.Slack)), "application/json"
		body, err = slack(m, told)
	}
	if err != nil {
		return nil, err
	}
	if address == "" {
		return nil, fmt.Errorf("the environment variable %s is not set; give it to this step", h.Slack)
	}
	signature := ""
	if h.Secret != "" {
		key := t.Getenv(h.Secret)
		if key == "" {
			return nil, fmt.Errorf("the environment variable %s, which it is signed with, is not set; give it to this step", h.Secret)
		}
		signature = Sign(key, body)
	}
	return func(ctx context.Context, client *http.Client) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return backoff.Permanent(errors.New("its address is no URL"))
		}
		req.Header.Set("Content-Type", kind)
		if signature != "" {
			req.Header.Set(Signature, signature)
		}
		return post(client, req)
	}, nil
}

// Sign is the value of [Signature] for a body.
func Sign(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body) //nolint:errcheck // a hash takes everything
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// post sends a request. What may go well the next time is an error that is tried
// again. No error has the address: it may be a secret.
func post(client *http.Client, req *http.Request) error {
	resp, err := client.Do(req)
	if err != nil {
		return errors.New("it cannot be reached")
	}
	defer func() { _ = resp.Body.Close() }() // nothing in it matters
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		return fmt.Errorf("it answered %d", resp.StatusCode)
	default:
		return backoff.Permanent(fmt.Errorf("it answered %d", resp.StatusCode))
	}
}
