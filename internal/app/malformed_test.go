package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/outside/outsidetest"
	"sluice/stages/all"
)

// mostTold is how many bytes a command tells at most, whatever it is answered with.
const mostTold = 256 << 10

// wire is a network on which everybody answers what net/http cannot read, or reads in
// part: the words that stand there are in its errors.
type wire struct {
	answer string // what is written; %s is what is said
	token  string // what is given for Google's credentials
	words  string // what is said beside the credentials that came
	asked  atomic.Int32
}

// transport is the program's own on the wire.
func (w *wire) transport() http.RoundTripper {
	dial := func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go w.serve(there)
		return here, nil
	}
	return &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true, DisableCompression: true}
}

// serve answers one request.
func (w *wire) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // nobody is left to tell
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	if r.Host == "oauth2.googleapis.com" {
		body := fmt.Sprintf(`{"access_token": %q, "expires_in": 3600, "token_type": "Bearer"}`, w.token)
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body) // it may have hung up
		return
	}
	w.asked.Add(1)
	said := []string{w.words}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		said = append(said, r.Header[name]...)
	}
	line := strings.NewReplacer("\r", " ", "\n", " ").Replace(strings.Join(append(said, r.URL.String()), " "))
	_, _ = io.WriteString(conn, strings.ReplaceAll(w.answer, "%s", line)) // it may have hung up
}

// malformed are the answers.
func malformed() map[string]string {
	const ends = "\r\n\r\n"
	return map[string]string{
		"no HTTP":           "%s" + ends,
		"version":           "HTTP/%s 200 OK" + ends,
		"status":            "HTTP/1.1 %s" + ends,
		"reason":            "HTTP/1.1 503 %s\r\nContent-Length: 0" + ends,
		"header line":       "HTTP/1.1 200 OK\r\n%s" + ends,
		"header name":       "HTTP/1.1 200 OK\r\n%s: 1" + ends,
		"length":            "HTTP/1.1 200 OK\r\nContent-Length: %s" + ends,
		"lengths":           "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: %s" + ends,
		"transfer encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s" + ends,
		"encoding":          "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 0" + ends,
		"location":          "HTTP/1.1 307 Elsewhere\r\nLocation: ://%zz%s\r\nContent-Length: 0" + ends,
		"chunk":             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked" + ends + "%s\r\n",
		"trailer":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A" + ends + "0\r\n%s" + ends,
		"long location":     "HTTP/1.1 307 Elsewhere\r\nLocation: ://%zz" + strings.Repeat("%s ", 32) + "\r\nContent-Length: 0" + ends,
		"long reason":       "HTTP/1.1 503 " + strings.Repeat("%s ", 32) + "\r\nContent-Length: 0" + ends,
		"long status":       "HTTP/1.1 " + strings.Repeat("%s ", 2<<10) + ends,
		"long header line":  "HTTP/1.1 200 OK\r\n" + strings.Repeat("%s ", 2<<10) + ends,
	}
}

// overWire runs commands on a pipeline whose requests are answered on a wire, and returns
// what is wrong with what they tell.
func overWire(t *testing.T, w *wire, as mode, file string, env map[string]string, commands ...[]string) []string {
	t.Helper()
	b := newBase(t, &moon{way: goesWell})
	b.platforms, b.wire, b.stdin, b.env = append(all.Platforms(), b.platforms...), w, file, env
	var wrong []string
	for _, args := range commands {
		got := b.run(t, as, args...)
		wrong = slices.Concat(wrong, outsidetest.Terminal(got.stderr), got.shows(w.token))
		if got.inside {
			wrong = slices.Concat(wrong, outsidetest.Runner(got.stderr), outsidetest.Runner(got.stdout))
		}
		if b.stdin == orbit { // whose platform links nowhere
			wrong = append(wrong, got.judged()...)
		}
		if told := len(got.stdout) + len(got.stderr) + len(got.summary) + len(got.outputs); told > mostTold {
			wrong = append(wrong, fmt.Sprintf("sluice %s: it tells %d bytes", strings.Join(args, " "), told))
		}
	}
	if w.asked.Load() == 0 {
		wrong = append(wrong, "nobody was asked")
	}
	return append(wrong, b.saved(t, w.token)...)
}

// eachMalformed has what is asked answered with each malformed answer.
func (h hostile) eachMalformed(t *testing.T, kind, who string, n int, env func(t *testing.T, secret string) map[string]string, file string, commands ...[]string) {
	t.Helper()
	for i, how := range slices.Sorted(maps.Keys(malformed())) {
		h.try(t, kind, who+"/"+how, n+i, modes(), func(t *testing.T, n int, as mode) []string {
			w := &wire{answer: malformed()[how], token: secretOf(n), words: outsidetest.Words}
			return overWire(t, w, as, file, env(t, w.token), commands...)
		})
	}
}

// TestMalformedPlatforms: what is said in place of a status, a header or a length is in
// net/http's errors. Nothing of it acts in what is told, no credential that came is in it,
// and it is not told at any length.
func TestMalformedPlatforms(t *testing.T) {
	t.Parallel()
	h := from(t, "malformed")
	for i, p := range all.Platforms() {
		file, stage, asked := onPlatform(t, p.Facts.Platform)
		if !asked {
			continue
		}
		env := func(t *testing.T, secret string) map[string]string {
			t.Helper()
			env := credentialsOf(t, p)
			for _, name := range slices.Sorted(maps.Keys(env)) {
				if name != "GOOGLE_APPLICATION_CREDENTIALS" {
					env[name] = secret
				}
			}
			return env
		}
		h.eachMalformed(t, "platforms", p.Facts.Platform, i, env, file, []string{"status"}, []string{"promote", "--to", stage, "--wait-budget", "1m", "--debug"})
	}
}

// TestMalformedStores: the same of what the stores are answered.
func TestMalformedStores(t *testing.T) {
	t.Parallel()
	h := from(t, "malformed")
	for i, name := range []string{"git", "artifact", "s3://acme/state"} {
		env := func(_ *testing.T, secret string) map[string]string {
			return map[string]string{
				"SLUICE_STORE": name, "GITHUB_REPOSITORY": "octo/shop", "GITHUB_TOKEN": secret,
				"ACTIONS_RESULTS_URL": "https://results.example.com/", "ACTIONS_RUNTIME_TOKEN": artifacttest.New().Getenv(artifacttest.Run{ID: 7})("ACTIONS_RUNTIME_TOKEN"),
				"AWS_ACCESS_KEY_ID": "AKIAOFOURS", "AWS_SECRET_ACCESS_KEY": "a-secret-of-ours", "AWS_SESSION_TOKEN": secret, "AWS_REGION": "eu-west-1",
			}
		}
		who, _, _ := strings.Cut(name, ":")
		h.eachMalformed(t, "stores", who, i, env, orbit, []string{"status"}, []string{"promote", "--to", "production", "--wait-budget", "1m", "--debug"})
	}
}
