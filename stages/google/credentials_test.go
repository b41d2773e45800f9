package google

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/auth"
)

// made is a token that comes about without any request, as a signed one does.
type made struct{}

func (made) Token(context.Context) (*auth.Token, error) { return &auth.Token{Value: "made-here"}, nil }

// sees asks what was told when the request is sent.
type sees func(*http.Request)

func (s sees) RoundTrip(r *http.Request) (*http.Response, error) {
	s(r)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// A token is told before its first use, wherever it comes from.
func TestTokenIsTold(t *testing.T) {
	var told []string
	a := &authorized{
		keep: func(value string) { told = append(told, value) },
		detect: func() (*auth.Credentials, error) {
			return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: made{}}), nil
		},
		base: sees(func(r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer made-here" || !slices.Contains(told, "made-here") {
				t.Errorf("%q is sent, and %q was told", r.Header.Get("Authorization"), told)
			}
		}),
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://moon.googleapis.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := a.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}
