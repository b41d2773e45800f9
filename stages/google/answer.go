package google

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// AnswerError means that what came is no answer to what was asked: it lacks what
// every true answer has, or is about something else. After a read nothing is
// known, and it is asked again; after an effect it is looked up.
type AnswerError struct {
	Asked string // the request, "GET v1/projects/…", or what it was for
	Err   error  // what the answer lacks
}

// Error says what was asked and what the answer lacks.
func (e *AnswerError) Error() string {
	return "what came to " + e.Asked + " is no answer: " + e.Err.Error()
}

// Unwrap gives what the answer lacks.
func (e *AnswerError) Unwrap() error { return e.Err }

// NoAnswer is an [AnswerError] with a text as [fmt.Errorf] makes it.
func NoAnswer(asked, format string, args ...any) error {
	return &AnswerError{Asked: asked, Err: fmt.Errorf(format, args...)}
}

// believing hands on the answers that can be believed. Every answer of an API
// passes here, whoever asked.
type believing struct {
	base  http.RoundTripper
	rules Rules
	root  string // path of the API's endpoint, with a slash at its end
}

// RoundTrip reads the whole answer and holds it to the rules.
func (b *believing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", r.Method, r.URL.Path, err)
	}
	path := strings.TrimPrefix(r.URL.Path, b.root)
	to := asked{r.Method, path, r.URL.Query()}
	if err := b.check(to, res.StatusCode, body); err != nil {
		return nil, NoAnswer(to.String(), "%w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

// check says what an answer lacks.
func (b *believing) check(to asked, status int, body []byte) error {
	switch {
	case status == http.StatusOK:
		if err := wellFormed(body); err != nil {
			return err
		}
		return b.rules.check(to, body)
	case status < http.StatusBadRequest:
		return fmt.Errorf("the APIs answer with status 200, not %d; where that lasts, something between here and Google answers in its place: check the endpoint's override in the environment", status)
	default:
		return checkRefusal(status, body)
	}
}

// checkRefusal holds a refusal to Google's form where something would be
// concluded from it: that a thing is not there. A proxy says 404 as well. The
// status that the text repeats must be the answer's own.
func checkRefusal(status int, body []byte) error {
	var refusal struct {
		Error struct {
			Code int `json:"code"`
		} `json:"error"`
	}
	// A text of another form leaves the code 0.
	json.Unmarshal(body, &refusal) //nolint:errcheck // see above
	code := refusal.Error.Code
	switch {
	case code != 0 && code != status:
		return fmt.Errorf("its status is %d, and its text says %d", status, code)
	case code == 0 && status == http.StatusNotFound:
		return errors.New("it is a 404 without the error that Google's APIs give: something between here and there may have answered")
	}
	return nil
}

// wellFormed refuses what is no JSON object, and one with a null in a list:
// Google's lists have none.
func wellFormed(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var inside []json.Delim
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && len(inside) == 0 {
			return errors.New("it is empty")
		}
		if err != nil {
			return fmt.Errorf("it is no JSON: %w", err)
		}
		delim, isDelim := token.(json.Delim)
		switch {
		case len(inside) == 0 && delim != '{':
			return errors.New("it is no JSON object")
		case isDelim && (delim == '{' || delim == '['):
			inside = append(inside, delim)
		case isDelim:
			inside = inside[:len(inside)-1]
		case token == nil && inside[len(inside)-1] == '[':
			return errors.New("there is a null in one of its lists")
		}
		if len(inside) == 0 {
			return onlyThat(decoder)
		}
	}
}

// onlyThat refuses anything after the object that was read.
func onlyThat(decoder *json.Decoder) error {
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its JSON object")
	}
	return nil
}
