package transport_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/transport"
)

// base is a round tripper in memory that counts what it is given.
type base struct {
	answer func(*http.Request) (*http.Response, error)
	sent   atomic.Int64
}

func (b *base) RoundTrip(r *http.Request) (*http.Response, error) {
	b.sent.Add(1)
	return b.answer(r)
}

func ok(body io.Reader) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(body)}, nil
	}
}

func request(t *testing.T, ctx context.Context, method, url string) *http.Request { //nolint:revive // t comes first in tests
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// endless is spaces, which a JSON decoder skips for ever.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += int64(len(p))
	return len(p), nil
}

func TestAnswerOverTheLimit(t *testing.T) {
	source := &endless{}
	client := &http.Client{Transport: transport.New(&base{answer: ok(source)}, transport.Options{Limit: 1 << 20})}
	resp, err := client.Do(request(t, t.Context(), "GET", "https://api.example/apps"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	many, is := errors.AsType[*transport.LimitError](err)
	if !is || many.Host != "api.example" || !strings.Contains(err.Error(), "api.example answered with more than 1 MiB") {
		t.Errorf("%v after %d bytes, want the host and the limit", err, len(body))
	}
	if source.read > 2<<20 {
		t.Errorf("%d bytes were read of an answer limited to 1 MiB", source.read)
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
		t.Error("reading goes on after the limit")
	}
}

func TestAnswerAtTheLimit(t *testing.T) {
	text := strings.Repeat("x", 1<<10)
	client := &http.Client{Transport: transport.New(&base{answer: ok(strings.NewReader(text))}, transport.Options{Limit: 1 << 10})}
	resp, err := client.Do(request(t, t.Context(), "GET", "https://api.example/apps"))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != text {
		t.Errorf("%d bytes, %v: want all of them", len(body), err)
	}
}

func TestAnnouncedLength(t *testing.T) {
	long := func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, ContentLength: 1 << 40, Body: http.NoBody, Request: r}, nil
	}
	rt := transport.New(&base{answer: long}, transport.Options{})
	if _, err := rt.RoundTrip(request(t, t.Context(), "GET", "https://api.example/")); err == nil {
		t.Error("an answer that announces a terabyte is taken")
	}
	if _, err := rt.RoundTrip(request(t, t.Context(), "HEAD", "https://api.example/")); err != nil {
		t.Errorf("%v: the length that HEAD tells is not sent", err)
	}
}

func TestTooManyValues(t *testing.T) {
	for name, text := range map[string]string{
		"objects": strings.Repeat("{},", transport.MostValues),
		"lists":   strings.Repeat("[", transport.MostValues+1),
	} {
		for raw, want := range map[bool]bool{false: true, true: false} {
			rt := transport.New(&base{answer: ok(strings.NewReader(text))}, transport.Options{Raw: raw})
			resp, err := rt.RoundTrip(request(t, t.Context(), "GET", "https://api.example/"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.ReadAll(resp.Body)
			if many, is := errors.AsType[*transport.LimitError](err); is != want || is && many.Values != transport.MostValues {
				t.Errorf("%s, raw %t: %v", name, raw, err)
			}
		}
	}
	inStrings := `["` + strings.Repeat(`{,\"[`, transport.MostValues) + `"]`
	resp, err := transport.New(&base{answer: ok(strings.NewReader(inStrings))}, transport.Options{}).RoundTrip(request(t, t.Context(), "GET", "https://api.example/"))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || len(body) != len(inStrings) {
		t.Errorf("%v: what stands in a string is no value", err)
	}
}

// bomb is a gigabyte of spaces, compressed: 1,024 times the same part.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(b.Bytes(), 1<<10)
}

// A bomb is counted as it comes apart, over a real connection.
func TestBomb(t *testing.T) {
	data := bomb(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(data) //nolint:errcheck // the client hangs up
	}))
	defer server.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rt := transport.New(nil, transport.Options{})
	resp, err := rt.RoundTrip(request(t, t.Context(), "GET", server.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	runtime.ReadMemStats(&after)
	if many, is := errors.AsType[*transport.LimitError](err); !is || many.Limit != transport.MostAnswer {
		t.Errorf("%v, want the limit", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 150<<20 {
		t.Errorf("%d MiB were allocated", used>>20)
	}
}

// What is compressed past net/http cannot be counted.
func TestEncodedAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", r.URL.Query().Get("encoding"))
		w.Write([]byte("…")) //nolint:errcheck // a few bytes
	}))
	defer server.Close()
	for encoding, want := range map[string]bool{"gzip": true, "br": true, "gzip, gzip": true, "": false, "identity": false, "aws-chunked": false} {
		for _, raw := range []bool{false, true} {
			r := request(t, t.Context(), "GET", server.URL)
			r.Header.Set("Accept-Encoding", "gzip") // so that net/http leaves the answer alone
			r.URL.RawQuery = "encoding=" + strings.ReplaceAll(encoding, " ", "%20")
			resp, err := transport.New(nil, transport.Options{Raw: raw}).RoundTrip(r)
			if err == nil {
				resp.Body.Close()
			}
			if e, is := errors.AsType[*transport.EncodingError](err); is != (want && !raw) || is && e.Encoding != encoding {
				t.Errorf("%q, raw %t: %v", encoding, raw, err)
			}
		}
	}
}

// drip answers at once and goes on with a byte a second.
type drip struct{ ctx context.Context }

func (d drip) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func TestDripEndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dripping := &base{answer: func(r *http.Request) (*http.Response, error) { return ok(drip{r.Context()})(r) }}
		began := time.Now()
		resp, err := transport.New(dripping, transport.Options{}).RoundTrip(request(t, t.Context(), "GET", "https://api.example/"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(resp.Body)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || !strings.Contains(err.Error(), "api.example gave no whole answer within 30s") {
			t.Errorf("%v, want a timeout that names the host", err)
		}
		if took := time.Since(began); took != transport.WholeRequest {
			t.Errorf("it took %s, want %s", took, transport.WholeRequest)
		}
	})
}

func TestSilenceEndsAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := &base{answer: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		_, err := transport.New(silent, transport.Options{Deadline: time.Minute}).RoundTrip(request(t, t.Context(), "GET", "https://api.example/"))
		if e, is := errors.AsType[*transport.DeadlineError](err); !is || e.After != time.Minute {
			t.Errorf("%v, want the deadline", err)
		}
	})
}

// The caller's own end is not called the deadline's.
func TestCallerEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		dripping := &base{answer: func(r *http.Request) (*http.Response, error) { return ok(drip{r.Context()})(r) }}
		resp, err := transport.New(dripping, transport.Options{}).RoundTrip(request(t, ctx, "GET", "https://api.example/"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.ReadAll(resp.Body); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the caller's own deadline", err)
		}
	})
}

// hosts are two servers; the first redirects to whatever the query says.
func hosts(t *testing.T) (first, second *httptest.Server, asked *[2]atomic.Int64) {
	t.Helper()
	asked = &[2]atomic.Int64{}
	second = httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked[1].Add(1) }))
	first = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked[0].Add(1)
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(first.Close)
	t.Cleanup(second.Close)
	return first, second, asked
}

// A client that follows whatever it is told, as vendors' SDKs may.
func TestRedirects(t *testing.T) {
	tests := []struct {
		name, method string
		elsewhere    bool
		want         [2]int64 // requests at the first and the second host
		refused      bool
	}{
		{"read on its host", "GET", false, [2]int64{2, 0}, false},
		{"read elsewhere", "GET", true, [2]int64{1, 0}, true},
		{"head elsewhere", "HEAD", true, [2]int64{1, 0}, true},
		{"effect on its host", "PUT", false, [2]int64{1, 0}, true},
		{"effect elsewhere", "PATCH", true, [2]int64{1, 0}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first, second, asked := hosts(t)
			to := first.URL + "/there"
			if tt.elsewhere {
				to = second.URL + "/there"
			}
			client := &http.Client{Transport: transport.New(nil, transport.Options{})}
			resp, err := client.Do(request(t, t.Context(), tt.method, first.URL+"/?to="+to))
			if err == nil {
				resp.Body.Close()
			}
			if _, is := errors.AsType[*transport.RedirectError](err); is != tt.refused {
				t.Errorf("%v, refused should be %t", err, tt.refused)
			}
			if got := [2]int64{asked[0].Load(), asked[1].Load()}; got != tt.want {
				t.Errorf("requests %v, want %v", got, tt.want)
			}
		})
	}
}

// A base that leaves Response.Request out does not hide the redirect.
func TestRedirectIsKnownWithoutTheBase(t *testing.T) {
	redirecting := &base{answer: func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Location": {"https://elsewhere.example/"}}
		return &http.Response{StatusCode: http.StatusFound, Header: h, Body: http.NoBody}, nil
	}}
	client := &http.Client{Transport: transport.New(redirecting, transport.Options{})}
	_, err := client.Do(request(t, t.Context(), "GET", "https://api.example/")) //nolint:bodyclose // there is none
	if _, is := errors.AsType[*transport.RedirectError](err); !is || redirecting.sent.Load() != 1 {
		t.Errorf("%v after %d requests", err, redirecting.sent.Load())
	}
}

func TestCheckRedirect(t *testing.T) {
	for _, tt := range []struct {
		method    string
		elsewhere bool
		want      [2]int64
		status    int
	}{
		{"GET", false, [2]int64{2, 0}, 200},
		{"GET", true, [2]int64{1, 0}, 307},
		{"PUT", false, [2]int64{1, 0}, 307},
		{"PUT", true, [2]int64{1, 0}, 307},
	} {
		first, second, asked := hosts(t)
		to := first.URL
		if tt.elsewhere {
			to = second.URL
		}
		client := &http.Client{Transport: transport.New(nil, transport.Options{}), CheckRedirect: transport.CheckRedirect}
		resp, err := client.Do(request(t, t.Context(), tt.method, first.URL+"/?to="+to))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := [2]int64{asked[0].Load(), asked[1].Load()}; got != tt.want || resp.StatusCode != tt.status {
			t.Errorf("%s, elsewhere %t: requests %v and status %d, want %v and %d", tt.method, tt.elsewhere, got, resp.StatusCode, tt.want, tt.status)
		}
	}
}

func TestNoEffectAfterTheStop(t *testing.T) {
	stop := make(chan struct{})
	ctx, call := transport.Watch(transport.WithStop(t.Context(), stop))
	to := &base{answer: ok(strings.NewReader(""))}
	rt := transport.New(to, transport.Options{})
	send := func(method string) error {
		_, err := rt.RoundTrip(request(t, ctx, method, "https://api.example/")) //nolint:bodyclose // it is empty
		return err
	}
	if err := send("PUT"); err != nil || call.Sent() != 1 || call.Refused() != 0 {
		t.Fatalf("before the stop: %v, %d sent, %d refused", err, call.Sent(), call.Refused())
	}
	close(stop)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if err := send(method); !transport.IsStopped(err) {
			t.Errorf("%s after the stop: %v", method, err)
		}
	}
	if err := send("GET"); err != nil {
		t.Errorf("a read after the stop: %v", err)
	}
	if to.sent.Load() != 2 || call.Sent() != 1 || call.Refused() != 4 {
		t.Errorf("%d requests, %d sent, %d refused; want 2, 1, 4", to.sent.Load(), call.Sent(), call.Refused())
	}
}

func TestNoEffectInAnEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	to := &base{answer: ok(strings.NewReader(""))}
	_, err := transport.New(to, transport.Options{}).RoundTrip(request(t, ctx, "PUT", "https://api.example/")) //nolint:bodyclose // there is none
	if !transport.IsStopped(err) || to.sent.Load() != 0 {
		t.Errorf("%v, %d requests", err, to.sent.Load())
	}
}

func TestConfigure(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	plain := transport.New(nil, transport.Options{})
	if _, err := plain.RoundTrip(request(t, t.Context(), "GET", server.URL)); err == nil { //nolint:bodyclose // there is none
		t.Fatal("a certificate of nobody's is trusted")
	}
	trusting := transport.Configure(plain, func(tr *http.Transport) {
		tr.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	})
	resp, err := trusting.RoundTrip(request(t, t.Context(), "GET", server.URL))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := plain.RoundTrip(request(t, t.Context(), "GET", server.URL)); err == nil { //nolint:bodyclose // there is none
		t.Error("the first one was changed too")
	}
	fixed := &base{}
	if transport.Configure(fixed, func(*http.Transport) {}) != http.RoundTripper(fixed) {
		t.Error("what stands on no http.Transport is itself")
	}
}
