package proof_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
)

// fault is what comes of a request in place of its honest answer.
type fault struct {
	name    string
	arrives bool // the request is served first: where it is an effect, that takes place
	slow    bool // its requests end at their deadline alone
	heavy   bool // costs seconds to send: once is enough
	// answer gives it; nil for the faults of a whole life. honest is nil where the
	// request did not arrive.
	answer func(w http.ResponseWriter, r *http.Request, honest *httptest.ResponseRecorder)
	// leads is where every request of a life goes instead; "" for those that are led
	// as ever.
	leads func(*fates) string
}

// words are a server's for why it does not do what it is asked.
type words interface {
	Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal)
}

// fates is what the faults of one life lead to.
type fates struct {
	words     words // of the platform, for refusals in its own
	elsewhere *stranger
	untrusted *stranger // whose certificate nobody knows
}

// stranger is a server that nobody was told to ask.
type stranger struct {
	url  string
	mu   sync.Mutex
	told []string // what came there, with its credentials' names
}

// ServeHTTP notes who came.
func (s *stranger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf("%s %s with %v", r.Method, r.URL.Path, credentialsIn(r.Header)))
	_, _ = w.Write([]byte("{}"))
}

func (s *stranger) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// credentialsIn are the names of the headers that carry them.
func credentialsIn(h http.Header) []string {
	var names []string
	for name := range h {
		if strings.Contains(name, "Auth") || strings.Contains(name, "Token") || strings.Contains(name, "Cookie") {
			names = append(names, name)
		}
	}
	return names
}

// faults are all of them; f is where they lead.
func (f *fates) faults() []fault {
	refuses := func(why sandbox.Refusal) func(http.ResponseWriter, *http.Request, *httptest.ResponseRecorder) {
		return func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) { f.words.Refuse(w, r, why) }
	}
	list := []fault{
		{name: "429", answer: refuses(sandbox.Throttle)},
		{name: "500", answer: refuses(sandbox.Broken)},
		{name: "503", answer: unavailable},
		{name: "timeout", slow: true, answer: silence},
		{name: "timeout after", slow: true, arrives: true, answer: silence},
		{name: "reset before", answer: cut},
		{name: "reset after", arrives: true, answer: cut},
		{name: "truncated", arrives: true, answer: truncated},
		{name: "garbage", arrives: true, answer: says("application/json", "\x00\xff{\x1b[31m]]>>\n")},
		{name: "HTML", arrives: true, answer: says("text/html", "<!doctype html><title>Welcome</title>")},
		{name: "wrong type", arrives: true, answer: says("application/json", `[[7],{"id":{"id":[]}}]`)},
		{name: "slow drip", slow: true, arrives: true, answer: drip},
		{name: "huge", heavy: true, arrives: true, answer: huge},
		{name: "gzip bomb", heavy: true, arrives: true, answer: bomb},
		{name: "redirect", arrives: true, answer: f.redirect},
		{name: "DNS", leads: func(*fates) string { return "https://nowhere.invalid" }},
		{name: "TLS", leads: func(f *fates) string { return f.untrusted.url }},
	}
	if b, ok := f.words.(sandbox.Busier); ok {
		list = append(list, fault{name: "busy", answer: func(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) { b.Busy(w, r) }})
	}
	return list
}

// wordsOf are a platform's.
func wordsOf(platform string) words {
	for _, e := range emulators.Emulators(time.Now) {
		if e.Platform() == platform {
			return e
		}
	}
	panic("no emulator of " + platform)
}

// storesWords are GitHub's and S3's.
type storesWords struct{}

// Refuse implements words.
func (storesWords) Refuse(w http.ResponseWriter, r *http.Request, why sandbox.Refusal) {
	isS3 := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4")
	switch {
	case isS3 && why == sandbox.Throttle:
		says("application/xml", `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`).status(http.StatusServiceUnavailable)(w, r, nil)
	case isS3:
		says("application/xml", `<Error><Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>`).status(http.StatusInternalServerError)(w, r, nil)
	case why == sandbox.Throttle:
		w.Header().Set("Retry-After", "1")
		says("application/json", `{"message":"You have exceeded a secondary rate limit."}`).status(http.StatusTooManyRequests)(w, r, nil)
	default:
		says("application/json", `{"message":"Server Error"}`).status(http.StatusInternalServerError)(w, r, nil)
	}
}

// answering writes an answer.
type answering func(http.ResponseWriter, *http.Request, *httptest.ResponseRecorder)

func says(kind, body string) answering {
	return func(w http.ResponseWriter, _ *http.Request, _ *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

// status is the same answer with another status.
func (a answering) status(code int) answering {
	return func(w http.ResponseWriter, r *http.Request, honest *httptest.ResponseRecorder) {
		body := httptest.NewRecorder()
		a(body, r, honest)
		maps.Copy(w.Header(), body.Header())
		w.WriteHeader(code)
		_, _ = w.Write(body.Body.Bytes())
	}
}

func unavailable(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
	w.Header().Set("Retry-After", "1")
	says("text/plain", "upstream connect error").status(http.StatusServiceUnavailable)(w, r, nil)
}

func silence(_ http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func cut(http.ResponseWriter, *http.Request, *httptest.ResponseRecorder) {
	panic(http.ErrAbortHandler)
}

// truncated announces the whole answer, sends half of it and hangs up.
func truncated(w http.ResponseWriter, _ *http.Request, honest *httptest.ResponseRecorder) {
	body := honest.Body.Bytes()
	maps.Copy(w.Header(), honest.Header())
	w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
	w.WriteHeader(honest.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// drip is the honest answer's beginning and then a space at a time, for ever; the whole
// answer where that has no body, as 204 has none.
func drip(w http.ResponseWriter, r *http.Request, honest *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), honest.Header())
	w.Header().Del("Content-Length")
	w.WriteHeader(honest.Code)
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		time.Sleep(20 * time.Millisecond)
	}
}

// gigabyte is how long the endless answers are.
const gigabyte = 1 << 30

func huge(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
	w.Header().Set("Content-Type", "application/json")
	part := bytes.Repeat([]byte("{},"), 64<<10)
	_, _ = io.WriteString(w, "[")
	for sent := 0; sent < gigabyte && r.Context().Err() == nil; sent += len(part) {
		if _, err := w.Write(part); err != nil {
			return
		}
	}
}

// bombPart is 1 MiB of spaces, compressed.
var bombPart = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 1<<20)) // to memory
	_ = z.Close()
	return b.Bytes()
})

func bomb(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	for sent := 0; sent < gigabyte && r.Context().Err() == nil; sent += 1 << 20 {
		if _, err := w.Write(bombPart()); err != nil {
			return
		}
	}
}

func (f *fates) redirect(w http.ResponseWriter, r *http.Request, _ *httptest.ResponseRecorder) {
	w.Header().Set("Location", f.elsewhere.url+r.URL.RequestURI())
	w.WriteHeader(http.StatusTemporaryRedirect)
}

// spoiler gives one request of a life a fault, or every one from it on.
type spoiler struct {
	fault   fault
	counts  func(to string) bool // which servers' requests count
	at      int                  // the request, from 0; never for none
	lasting bool

	mu    sync.Mutex
	asked []string // the requests that counted
}

// takes counts a request to a server, and reports whether it is spoiled.
func (s *spoiler) takes(to string, r *http.Request) bool {
	if s == nil || !s.counts(to) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.asked)
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	return s.at != never && (n == s.at || s.lasting && n > s.at)
}

// serve spoils a request that honest would answer.
func (s *spoiler) serve(w http.ResponseWriter, r *http.Request, honest http.Handler) {
	var answer *httptest.ResponseRecorder
	body, err := io.ReadAll(r.Body) // all of it: a server sees a client hang up only then
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if s.fault.arrives {
		answer = httptest.NewRecorder()
		honest.ServeHTTP(answer, r)
	}
	s.fault.answer(w, r, answer)
}

func (s *spoiler) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}
