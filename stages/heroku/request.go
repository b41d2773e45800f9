package heroku

import (
	"net/http"

	"sluice/stages/driver"
)

// requestID is the header that names a request, in Heroku's own log too.
const requestID = "Request-Id"

// request is one call of the API. A request with effect changes something: it
// is sent once.
type request struct {
	method, path string
	variant      string // of the API, in Accept; "" for the plain one
	ranged       string // the Range header
	body         any
	effect       bool
	asked        asked // what it is about
}

// unasked is the request without what it is about: it is answered with several.
func (r request) unasked() request {
	r.asked = asked{}
	return r
}

// unanswered is what may be done about a request that got no answer of Heroku's.
func (r request) unanswered() driver.Code {
	if r.effect {
		return driver.Lost
	}
	return driver.Retryable
}

func (r request) String() string { return r.method + " " + r.path }

// answer is what came back with a status below 300.
type answer struct {
	header http.Header
	body   []byte
}

// asked names what a request is about. An empty name is not compared.
type asked struct {
	id        string // of the thing itself, or its name
	app       string // an id or a name
	pipeline  string // an id
	promotion string // an id
}
