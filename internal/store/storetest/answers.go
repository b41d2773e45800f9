package storetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"regexp"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"
)

// elsewhere is the host that redirects lead to.
const elsewhere = "elsewhere.example.com"

// kind is one kind of hostile answer.
type kind struct {
	name string
	// heals says that reading once more is all it takes.
	heals bool
	// edits says that it is made of the good answer.
	edits bool
	// long says that it is about its length alone. Such a one takes long to read: of
	// those, one kind is tried as a single answer too.
	long bool
	make func(r *http.Request, good *http.Response, g *gauge) *http.Response
}

func kinds() []kind {
	fixed := func(status int, contentType, body string) func(*http.Request, *http.Response, *gauge) *http.Response {
		return func(r *http.Request, _ *http.Response, _ *gauge) *http.Response {
			return respond(r, status, contentType, io.NopCloser(strings.NewReader(body)))
		}
	}
	changed := func(change func([]byte) []byte, headers ...string) func(*http.Request, *http.Response, *gauge) *http.Response {
		return func(r *http.Request, good *http.Response, _ *gauge) *http.Response {
			return edited(r, good, change, headers)
		}
	}
	return []kind{
		{"empty", true, false, false, fixed(200, "application/json", "")},
		{"{}", true, false, false, fixed(200, "application/json", "{}")},
		{"null", true, false, false, fixed(200, "application/json", "null")},
		{"[]", true, false, false, fixed(200, "application/json", "[]")},
		{"a text", true, false, false, fixed(200, "application/json", `"text"`)},
		{"HTML", true, false, false, fixed(200, "text/html", "<html><body>502 Bad Gateway</body></html>")},
		{"HTML 404", false, false, false, fixed(404, "text/html", "<html><body>not found</body></html>")},
		{"wrong types", true, true, false, changed(wrongTypes)},
		{"no ids", true, true, false, changed(noIDs, "ETag", "Location")},
		{"cut", true, true, false, changed(func(b []byte) []byte { return b[:len(b)/2] })},
		{"torn", true, true, false, torn(200)},
		{"torn 404", true, false, false, torn(404)},
		{"huge text", true, false, true, endless(`{"sha":"`, "a")},
		{"huge list", false, false, true, endless("[{}", ",{}")},
		{"huge object", false, false, true, endless(`{"total_count":1,"artifacts":[{}`, ",{}")},
		{"bomb", false, false, true, bomb},
		{"error, huge", false, false, true, func(r *http.Request, good *http.Response, g *gauge) *http.Response {
			w := endless("<html>", "a")(r, good, g)
			w.StatusCode = 404
			return w
		}},
		{"drip", false, false, false, drip},
		{"redirect 302", false, false, false, redirect(302)},
		{"redirect 307", false, false, false, redirect(307)},
	}
}

func respond(r *http.Request, status int, contentType string, body io.ReadCloser) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {contentType}}, Body: body, ContentLength: -1, Request: r,
	}
}

// edited is the good answer, changed.
func edited(r *http.Request, good *http.Response, change func([]byte) []byte, without []string) *http.Response {
	text, err := io.ReadAll(good.Body)
	if err != nil {
		panic(err) // the stand-in serves in process
	}
	w := respond(r, good.StatusCode, "application/json", io.NopCloser(bytes.NewReader(change(text))))
	w.Header = good.Header.Clone()
	w.Header.Del("Content-Length")
	for _, name := range without {
		w.Header.Del(name)
	}
	return w
}

// torn is an answer whose connection breaks in the middle of it.
func torn(status int) func(*http.Request, *http.Response, *gauge) *http.Response {
	return func(r *http.Request, good *http.Response, _ *gauge) *http.Response {
		begins := io.Reader(strings.NewReader(`{"message":"Not Fo`))
		if status == http.StatusOK && good != nil {
			text, err := io.ReadAll(good.Body)
			if err != nil {
				panic(err) // the stand-in serves in process
			}
			begins = bytes.NewReader(text[:len(text)/2])
		}
		w := respond(r, status, "application/json", io.NopCloser(io.MultiReader(begins, breaking{})))
		if status == http.StatusOK && good != nil {
			w.StatusCode, w.Header = good.StatusCode, good.Header.Clone()
			w.Header.Del("Content-Length")
		}
		return w
	}
}

// breaking is the end of what has none.
type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// wrongTypes makes numbers of texts and texts of numbers.
func wrongTypes(text []byte) []byte {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return []byte("17")
	}
	var change func(v any) any
	change = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for name := range v {
				v[name] = change(v[name])
			}
			return v
		case []any:
			for i := range v {
				v[i] = change(v[i])
			}
			if len(v) == 0 {
				return "none"
			}
			return v
		case string:
			return 17
		default:
			return []any{"x"}
		}
	}
	return marshal(change(value))
}

var (
	ids     = []string{"sha", "id", "ref", "name", "total_count", "artifacts", "artifact_id", "artifactId", "database_id", "databaseId", "signed_url", "signedUrl", "signed_upload_url", "signedUploadUrl", "ok", "digest", "schema"}
	xmlTags = regexp.MustCompile(`<(Name|Key|ETag|IsTruncated|NextContinuationToken)>[^<]*</[A-Za-z]+>`)
)

// noIDs takes away what tells one thing from another.
func noIDs(text []byte) []byte {
	var value any
	if json.Unmarshal(text, &value) != nil {
		return xmlTags.ReplaceAll(text, nil)
	}
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			maps.DeleteFunc(v, func(name string, _ any) bool { return slices.Contains(ids, name) })
			for _, inner := range v {
				strip(inner)
			}
		case []any:
			for _, inner := range v {
				strip(inner)
			}
		}
	}
	strip(value)
	return marshal(value)
}

func marshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was JSON before
	}
	return text
}

// huge is how long an endless body is: more than any memory.
const huge = 64 << 30

// stream repeats a text, and notes how much memory is in use meanwhile.
type stream struct {
	rest  []byte
	more  []byte
	left  int64
	noted int64
	gauge *gauge
}

func endless(first, more string) func(*http.Request, *http.Response, *gauge) *http.Response {
	return func(r *http.Request, _ *http.Response, g *gauge) *http.Response {
		return respond(r, 200, "application/json", &stream{rest: []byte(first), more: bytes.Repeat([]byte(more), 4096), left: huge, gauge: g})
	}
}

// Read gives the next bytes.
func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, io.EOF
	}
	if len(s.rest) == 0 {
		s.rest = s.more
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	s.left -= int64(n)
	if s.noted += int64(n); s.noted > 4<<20 {
		s.noted = 0
		s.gauge.look()
		if s.gauge.peak > most {
			s.left = 0 // seen enough: the machine has other work
		}
	}
	return n, nil
}

// Close ends nothing.
func (s *stream) Close() error { return nil }

// packed is 64 MB of spaces, in a few kilobytes.
var packed = sync.OnceValue(func() []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	line := bytes.Repeat([]byte(" "), 1<<20)
	for range 64 {
		if _, err := w.Write(line); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
})

// bomb is a gzip file that never ends, as the network hands it over: unpacked,
// unless the client asked for gzip itself.
func bomb(r *http.Request, _ *http.Response, g *gauge) *http.Response {
	raw := &stream{more: packed(), left: huge, gauge: g}
	w := respond(r, 200, "application/json", raw)
	if r.Header.Get("Accept-Encoding") != "" {
		w.Header.Set("Content-Encoding", "gzip")
		return w
	}
	unpacked, err := gzip.NewReader(raw)
	if err != nil {
		panic(err)
	}
	w.Body, w.Uncompressed = io.NopCloser(&noting{unpacked, g, 0}), true
	return w
}

type noting struct {
	io.Reader
	gauge *gauge
	noted int
}

func (n *noting) Read(p []byte) (int, error) {
	got, err := n.Reader.Read(p)
	if n.noted += got; n.noted > 4<<20 {
		n.noted = 0
		if n.gauge.look(); n.gauge.peak > most {
			return got, io.EOF
		}
	}
	return got, err
}

// dripping gives a byte every 100 ms, for ten minutes, as long as somebody waits.
type dripping struct {
	request *http.Request
	until   time.Time
}

func drip(r *http.Request, _ *http.Response, _ *gauge) *http.Response {
	return respond(r, 200, "application/json", &dripping{r, time.Now().Add(10 * time.Minute)})
}

func (d *dripping) Read(p []byte) (int, error) {
	if time.Now().After(d.until) {
		return 0, io.EOF
	}
	select {
	case <-d.request.Context().Done():
		return 0, d.request.Context().Err()
	case <-time.After(100 * time.Millisecond):
	}
	p[0] = ' '
	return 1, nil
}

func (d *dripping) Close() error { return nil }

func redirect(status int) func(*http.Request, *http.Response, *gauge) *http.Response {
	return func(r *http.Request, _ *http.Response, _ *gauge) *http.Response {
		w := respond(r, status, "text/plain", http.NoBody)
		to := *r.URL
		to.Host, to.Scheme = elsewhere, "https"
		w.Header.Set("Location", to.String())
		return w
	}
}

// gauge knows the most memory that was in use beyond what was before.
type gauge struct {
	base, peak uint64
}

const heap = "/memory/classes/heap/objects:bytes"

func newGauge() *gauge {
	return &gauge{base: inUse()}
}

func inUse() uint64 {
	sample := []metrics.Sample{{Name: heap}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func (g *gauge) look() {
	now := g.more()
	if now > most { // garbage is not use
		runtime.GC()
		now = g.more()
	}
	g.peak = max(g.peak, now)
}

func (g *gauge) more() uint64 {
	if now := inUse(); now > g.base {
		return now - g.base
	}
	return 0
}

// hostileTransport answers one request of a call, or all from it on, as its
// case has it, and notes what is sent to other hosts.
type hostileTransport struct {
	hostility
	service Service
	next    http.RoundTripper
	gauge   *gauge
	off     bool

	mu    sync.Mutex
	seen  []requested
	leads bool // what was answered last may lead elsewhere
	leaks []string
}

// RoundTrip answers.
func (h *hostileTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if h.off {
		return h.next.RoundTrip(r)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	at := len(h.seen)
	h.seen = append(h.seen, requested{h.service.Label(r), !h.service.Reads(r)})
	h.mu.Unlock()
	if r.URL.Host == elsewhere {
		h.atElsewhere(r)
		return respond(r, 200, "application/json", io.NopCloser(strings.NewReader("{}"))), nil
	}
	if h.n < 0 || at < h.n || at > h.n && !h.always {
		return h.next.RoundTrip(r)
	}
	return h.answer(r)
}

// answer is the hostile one. Reads reach the service too, for the answers that
// are made of good ones.
func (h *hostileTransport) answer(r *http.Request) (*http.Response, error) {
	h.leads = h.service.Leads(r)
	if !h.service.Reads(r) && h.place == "before" {
		if r.Body != nil {
			if err := r.Body.Close(); err != nil {
				return nil, err
			}
		}
		return h.kind.make(r, nil, h.gauge), nil
	}
	good, err := h.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer good.Body.Close() //nolint:errcheck // the stand-in serves in process
	return h.kind.make(r, good, h.gauge), nil
}

// atElsewhere notes a request that a redirect led away.
func (h *hostileTransport) atElsewhere(r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := h.seen[len(h.seen)-2].name
	if !h.leads {
		h.leaks = append(h.leaks, "no redirect to another host: after "+from+" it asked "+r.URL.Host)
	}
	sent := r.URL.String()
	for name, values := range r.Header {
		sent += "\n" + name + ": " + strings.Join(values, ",")
	}
	for _, secret := range h.service.Secrets {
		if strings.Contains(sent, secret) {
			h.leaks = append(h.leaks, "no credentials to another host: after "+from+" it sent them")
		}
	}
	if r.Header.Get("Authorization") != "" {
		h.leaks = append(h.leaks, "no credentials to another host: it sent an Authorization header")
	}
}
