package heroku

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// invalidError is a mistake of ours or in the configuration: nothing was sent.
type invalidError struct{ text, remedy string }

func (e *invalidError) Error() string { return e.text }

// movedError is an effect that was not sent, because what it builds on changed.
type movedError struct{ text, remedy string }

func (e *movedError) Error() string { return e.text }

// unsentError is what kept an effect from being sent.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

// unexpectedError is an effect that Heroku accepted with another outcome than
// was asked for.
type unexpectedError struct{ text string }

func (e *unexpectedError) Error() string { return e.text }

// strangeError is a release of a status that nobody understands and that may be
// what runs.
type strangeError struct{ release *release }

func (e *strangeError) Error() string {
	return fmt.Sprintf("what runs there cannot be told: release v%d is %q, which this version does not know", e.release.Version, e.release.Status)
}

// lostError is a request without a readable answer.
type lostError struct {
	request request
	id      string
	garbled bool // an answer came, and could not be read or believed
	err     error
}

func (e *lostError) Error() string { return e.request.String() + ": " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// apiError is an answer of the API that refuses.
type apiError struct {
	request    request
	status     int
	own        bool   // Heroku's own answer, and nobody's on the way there
	id         string // Heroku's name for the reason: "not_found", "two_factor"
	message    string
	url        string // where Heroku explains it
	requestID  string
	retryAfter time.Duration
	choices    []pipeline // 300: what an ambiguous name may mean
}

func (e *apiError) Error() string {
	text := fmt.Sprintf("%s: %d", e.request, e.status)
	if e.id != "" {
		text += " " + e.id
	}
	return text + ": " + e.said()
}

// said is Heroku's own words, as far as it had any.
func (e *apiError) said() string {
	if e.message == "" {
		return http.StatusText(e.status)
	}
	if e.url == "" || strings.Contains(e.message, e.url) {
		return e.message
	}
	return e.message + " (" + e.url + ")"
}

// absentError is a pipeline that is not there, or not to be seen.
type absentError struct{ text, remedy string }

func (e *absentError) Error() string { return e.text }

// unsupportedError says that Heroku cannot do this at all.
type unsupportedError struct{ text, remedy string }

func (e *unsupportedError) Error() string { return e.text }

// doubtError is an answer that cannot be believed.
type doubtError struct{ text string }

func (e *doubtError) Error() string { return "the answer is not what the API documents: " + e.text }
