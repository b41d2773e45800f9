package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/notify"
)

type hooksKey struct{}

// webhook is one in a story. It appends each message to a file: a line with the kind
// of its content, whether a-key-of-hooks made its signature, and the body.
type webhook struct {
	mu       sync.Mutex
	file     string
	statuses []string // the answers still to come; the last again and again
}

// hookCommand is a webhook in a story:
//
//	hook NAME STATUS…    $NAME is its address, also in sluice.yaml for ADDRESS-OF-NAME; from here on the file NAME has what it gets
func hookCommand(ts *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) < 2 {
		ts.Fatalf("usage: hook NAME STATUS…")
	}
	name := args[0]
	held := ts.Value(hooksKey{}).(map[string]*webhook)
	h, running := held[name]
	if !running {
		h = &webhook{file: ts.MkAbs(name)}
		held[name] = h
		server := httptest.NewServer(h)
		ts.Defer(server.Close)
		ts.Setenv(name, server.URL)
		declared := ts.MkAbs("sluice.yaml")
		text, err := os.ReadFile(declared)
		ts.Check(err)
		ts.Check(os.WriteFile(declared, []byte(strings.ReplaceAll(string(text), "ADDRESS-OF-"+name, server.URL)), 0o600))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.statuses = args[1:]
	ts.Check(os.WriteFile(h.file, nil, 0o600))
}

// ServeHTTP implements [http.Handler].
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	signed := "unsigned"
	if r.Header.Get(notify.Signature) == notify.Sign("a-key-of-hooks", body) {
		signed = "signed"
	}
	f, err := os.OpenFile(h.file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	fmt.Fprintf(f, "%s %s %s\n", r.Header.Get("Content-Type"), signed, body)
	status, err := strconv.Atoi(h.statuses[0])
	if err != nil {
		return
	}
	if len(h.statuses) > 1 {
		h.statuses = h.statuses[1:]
	}
	w.WriteHeader(status)
}
