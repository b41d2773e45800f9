package sandboxtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Google is a client of one of Google's APIs. It takes nothing that the types it reads
// answers into do not have.
type Google struct {
	*testing.T
	Base string // before every path
}

// Send makes a request and decodes a good answer into into; nil takes any. A refusal is
// "CODE STATUS: message", with the reason in the place of the status in an older API.
func (g *Google) Send(method, path string, body, into any) (refusal string) {
	g.Helper()
	code, answer := g.exchange(method, path, body)
	if code != http.StatusOK {
		return g.refusal(code, answer)
	}
	if into == nil {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		g.Fatalf("%v in %s", err, answer)
	}
	return ""
}

func (g *Google) exchange(method, path string, body any) (code int, answer []byte) {
	g.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			g.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(g.Context(), method, g.Base+path, bytes.NewReader(sent))
	if err != nil {
		g.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	if answer, err = io.ReadAll(res.Body); err != nil {
		g.Fatal(err)
	}
	return res.StatusCode, answer
}

func (g *Google) refusal(code int, answer []byte) string {
	g.Helper()
	var refused struct {
		Error struct {
			Code            int
			Status, Message string
			Errors          []struct{ Reason string }
		}
	}
	err := json.Unmarshal(answer, &refused)
	why := refused.Error.Status
	if len(refused.Error.Errors) == 1 {
		why = refused.Error.Errors[0].Reason
	}
	if err != nil || why == "" || refused.Error.Code != code {
		g.Fatalf("a refusal in another shape: %d %s", code, answer)
	}
	return fmt.Sprintf("%d %s: %s", code, why, refused.Error.Message)
}

// Must is Send that is not refused.
func (g *Google) Must(method, path string, body, into any) {
	g.Helper()
	if refused := g.Send(method, path, body, into); refused != "" {
		g.Fatalf("%s %s: %s", method, path, refused)
	}
}

// Refused is Send that is refused with the words.
func (g *Google) Refused(words, method, path string, body any) {
	g.Helper()
	if refused := g.Send(method, path, body, nil); refused == "" || !strings.Contains(refused, words) {
		g.Errorf("%s %s: %q, want %q", method, path, refused, words)
	}
}
