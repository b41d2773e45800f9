package entrecode

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxQuote is how much of an answer that is no problem document is quoted.
const maxQuote = 200

// problem is an error answer: the HTTP status and what its
// application/problem+json document says.
type problem struct {
	method     string
	status     int
	own        bool   // the App Manager's answer to what was asked, and nobody's on the way there
	code       string // four digits: the first is the system (3 is the App Manager), the rest the error
	title      string
	kind       string // "type": the address of the code's description
	detail     string // what the error is about: a property, a permission
	verbose    string
	nested     []*problem // errors that would have come next
	requestID  string
	retryAfter time.Duration
}

// Error is the code, title, detail and what else the document says, in one line.
func (p *problem) Error() string {
	text := p.summary()
	for _, n := range p.nested {
		text += "; " + n.summary()
	}
	if p.status == 0 {
		return text
	}
	return fmt.Sprintf("%s (HTTP %d)", text, p.status)
}

func (p *problem) summary() string {
	text := p.title
	if p.code != "" {
		text = strings.TrimSpace(p.code + " " + text)
	}
	for _, more := range []string{p.detail, p.verbose} {
		if more != "" {
			text += ": " + more
		}
	}
	return text
}

// parseProblem reads an error answer's body. What is no problem document is
// quoted, so that a proxy's page is still told from the platform's own words.
func parseProblem(status int, body []byte) *problem {
	p, err := parseDocument(body)
	if err != nil {
		p = &problem{title: http.StatusText(status), detail: quote(body)}
	}
	if p.title == "" && p.code == "" {
		p.title = http.StatusText(status)
	}
	p.status, p.own = status, err == nil && p.code != ""
	return p
}

func parseDocument(body []byte) (*problem, error) {
	r, err := parseResource(nil, body)
	if err != nil {
		return nil, err
	}
	p := fromResource(r)
	for _, rel := range []string{"error", "ec:error"} {
		for _, item := range r.items(rel) {
			p.nested = append(p.nested, fromResource(item))
		}
	}
	return p, nil
}

func fromResource(r *resource) *problem {
	text := func(key string) string {
		raw := r.fields[key]
		if len(raw) == 0 || string(raw) == "null" || string(raw) == "{}" {
			return ""
		}
		return strings.Join(strings.Fields(looseText(raw)), " ")
	}
	return &problem{
		code: looseID(r.fields["code"]), title: text("title"), kind: text("type"),
		detail: text("detail"), verbose: text("verbose"),
	}
}

func quote(body []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "?")), " ")
	if runes := []rune(text); len(runes) > maxQuote {
		text = string(runes[:maxQuote]) + "…"
	}
	return text
}

// is reports whether the problem has one of the App Manager's error codes,
// given without the digit that names the system.
func (p *problem) is(codes ...int) bool {
	code, err := strconv.Atoi(p.code)
	if err != nil {
		return false
	}
	for _, c := range codes {
		if code%1000 == c {
			return true
		}
	}
	return false
}
