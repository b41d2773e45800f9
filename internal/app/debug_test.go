package app

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/internal/transport"
)

// A client's own certificates are trusted under --debug too, and its requests
// are still shown.
func TestDebugKeepsCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	var shown []string
	debug := &debugTransport{base: http.DefaultTransport, now: time.Now, used: &used{}, show: func(text string) { shown = append(shown, text) }}
	trusting := transport.Configure(transport.New(debug, transport.Options{}), func(tr *http.Transport) {
		tr.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	})
	resp, err := (&http.Client{Transport: trusting}).Get(server.URL + "/here")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(shown) != 1 || !strings.Contains(shown[0], "/here → 200 OK") {
		t.Errorf("shown %v", shown)
	}
}
