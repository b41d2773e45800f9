package stagetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// badAnswer is an answer that no platform gives, made of the one that it gave.
type badAnswer struct {
	name  string
	heavy bool // costs time to read: given once, to the first kind's requests
	make  func(r *http.Request, honest []byte) (*http.Response, error)
}

// elsewhere is where the redirect leads: nothing may ever arrive there.
const elsewhere = "elsewhere.example"

// badAnswers are the kinds of answers that must not be believed.
func badAnswers() []badAnswer {
	return []badAnswer{
		{"empty", false, text("")},
		{"{}", false, text("{}")},
		{"null", false, text("null")},
		{"[]", false, text("[]")},
		{"wrong types", false, changed(wrongTypes)},
		{"without ids", false, changed(withoutIDs)},
		{"half", false, half},
		{"cut", false, cut},
		{"HTML", false, html(http.StatusOK)},
		{"HTML 502", false, html(http.StatusBadGateway)},
		{"redirect", false, redirect},
		{"silence", false, silence},
		{"drip", false, drip},
		{"compressed", false, compressed},
		{"many", true, many},
		{"long", true, long},
		{"bomb", true, bomb},
	}
}

func respond(status int, body io.Reader) *http.Response {
	closer, ok := body.(io.ReadCloser)
	if !ok {
		closer = io.NopCloser(body)
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: -1, Body: closer,
	}
}

func text(body string) func(*http.Request, []byte) (*http.Response, error) {
	return func(*http.Request, []byte) (*http.Response, error) {
		return respond(http.StatusOK, strings.NewReader(body)), nil
	}
}

// changed gives the honest answer with its JSON changed.
func changed(change func(any) any) func(*http.Request, []byte) (*http.Response, error) {
	return func(_ *http.Request, honest []byte) (*http.Response, error) {
		decoder := json.NewDecoder(bytes.NewReader(honest))
		decoder.UseNumber()
		var v any
		if err := decoder.Decode(&v); err != nil {
			return respond(http.StatusOK, strings.NewReader("")), nil //nolint:nilerr // it was no JSON
		}
		body, err := json.Marshal(change(v))
		return respond(http.StatusOK, bytes.NewReader(body)), err
	}
}

// wrongTypes keeps an answer's shape and changes what each of its values is.
func wrongTypes(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = otherType(value)
		}
		return v
	case []any:
		for i, value := range v {
			v[i] = otherType(value)
		}
		return v
	default:
		return otherType(v)
	}
}

func otherType(v any) any {
	switch v.(type) {
	case string:
		return []any{7}
	case json.Number, bool:
		return map[string]any{"is": "not"}
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// identity is what names of fields that tell things apart look like.
var identity = regexp.MustCompile(`^(id|uid|name|self|selfLink|href|_links)$|[a-z](Id|ID|Name)$|_(id|name)$`)

// withoutIDs leaves everything out that says what the answer is about.
func withoutIDs(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if identity.MatchString(name) {
				delete(v, name)
				continue
			}
			v[name] = withoutIDs(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutIDs(v[i])
		}
	}
	return v
}

// half is an answer that was not written to its end, though it says so.
func half(_ *http.Request, honest []byte) (*http.Response, error) {
	return respond(http.StatusOK, bytes.NewReader(honest[:len(honest)/2])), nil
}

// cut is an answer whose connection breaks in the middle.
func cut(_ *http.Request, honest []byte) (*http.Response, error) {
	return respond(http.StatusOK, io.MultiReader(bytes.NewReader(honest[:len(honest)/2]), failing{})), nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// html is what a proxy or a captive portal says in the platform's place.
func html(status int) func(*http.Request, []byte) (*http.Response, error) {
	return func(*http.Request, []byte) (*http.Response, error) {
		resp := respond(status, strings.NewReader("<!doctype html><title>Welcome</title>"))
		resp.Header.Set("Content-Type", "text/html")
		return resp, nil
	}
}

func redirect(r *http.Request, _ []byte) (*http.Response, error) {
	resp := respond(http.StatusTemporaryRedirect, strings.NewReader(""))
	resp.Header.Set("Location", "https://"+elsewhere+r.URL.Path)
	return resp, nil
}

func silence(r *http.Request, _ []byte) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// drip is an answer that comes a byte a second and never ends.
func drip(r *http.Request, _ []byte) (*http.Response, error) {
	return respond(http.StatusOK, dripping{r}), nil
}

type dripping struct{ of *http.Request }

func (d dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-d.of.Context().Done():
		return 0, d.of.Context().Err()
	}
}

// compressed is an answer in an encoding that nobody asked for.
func compressed(_ *http.Request, honest []byte) (*http.Response, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(honest)
	resp := respond(http.StatusOK, &b)
	resp.Header.Set("Content-Encoding", "gzip")
	return resp, errors.Join(err, z.Close())
}

// huge is how long the endless answers are.
const huge = 1 << 30

// many is a gigabyte of small values.
func many(*http.Request, []byte) (*http.Response, error) {
	return respond(http.StatusOK, io.LimitReader(&repeated{text: "{},", first: "["}, huge)), nil
}

// long is one string of a gigabyte.
func long(*http.Request, []byte) (*http.Response, error) {
	return respond(http.StatusOK, io.LimitReader(&repeated{text: strings.Repeat("x", 4<<10), first: `{"id":"`}, huge)), nil
}

// repeated is text after text, for ever.
type repeated struct{ first, text, left string }

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if r.left == "" {
			r.left, r.first = r.first, ""
		}
		if r.left == "" {
			r.left = r.text
		}
		copied := copy(p[n:], r.left)
		r.left = r.left[copied:]
		n += copied
	}
	return n, nil
}

// bombPart is one part of the bomb: 16 MiB, compressed.
var bombPart = sync.OnceValues(func() ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.CopyN(z, &repeated{text: strings.Repeat(" ", 4<<10)}, 16<<20)
	return b.Bytes(), errors.Join(err, z.Close())
})

// bomb is a gigabyte that came compressed; it is decompressed as net/http does,
// while it is read.
func bomb(*http.Request, []byte) (*http.Response, error) {
	part, err := bombPart()
	if err != nil {
		return nil, err
	}
	parts := make([]io.Reader, huge/(16<<20))
	for i := range parts {
		parts[i] = bytes.NewReader(part)
	}
	body, err := gzip.NewReader(io.MultiReader(parts...))
	resp := respond(http.StatusOK, body)
	resp.Uncompressed = true
	return resp, err
}
