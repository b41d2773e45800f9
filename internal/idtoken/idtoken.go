// Package idtoken asks GitHub Actions for the token that says which job this is, for
// clouds that trust it in the place of a secret. It knows no cloud. Standard library
// alone.
//
// The request is GitHub's own: GET ACTIONS_ID_TOKEN_REQUEST_URL&audience=…, with
// ACTIONS_ID_TOKEN_REQUEST_TOKEN as the bearer, answered by {"value": "…"}
// (docs.github.com, "OpenID Connect reference").
package idtoken

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// The variables by which a job asks for its token. GitHub sets both where the job has
// the permission id-token: write, and neither where it has not.
const (
	RequestURL   = "ACTIONS_ID_TOKEN_REQUEST_URL"
	RequestToken = "ACTIONS_ID_TOKEN_REQUEST_TOKEN" //nolint:gosec // the name of a variable
)

// mostAnswer bounds what is read of an answer, in bytes.
const mostAnswer = 64 << 10

// Job is the job of GitHub Actions that this process is a part of.
type Job struct {
	Getenv func(string) string
	Client *http.Client
	Keep   func(string) // is told every token before its first use; nil drops it
}

// Inside reports whether the process is part of a job at all.
func (j Job) Inside() bool { return j.Getenv("GITHUB_ACTIONS") == "true" }

// Offered reports whether the job may ask for a token.
func (j Job) Offered() bool { return j.Getenv(RequestURL) != "" && j.Getenv(RequestToken) != "" }

// MissingError means that the job may not ask for a token.
type MissingError struct{ Inside bool }

// Error says why.
func (e *MissingError) Error() string {
	if !e.Inside {
		return "outside of GitHub Actions there is no token of a job"
	}
	return "the job may not ask GitHub for its token"
}

// Remedy is the line of a job that lets it ask for its token. Who names one permission
// takes all others away.
const Remedy = "give the job `permissions: {id-token: write, contents: read}`, and beside them those that it has"

// Token is a token for an audience, "sts.amazonaws.com" for AWS. The error is a
// [*MissingError] where the job may not ask for one; a [*url.Error] came about on the
// way, and another try may do.
func (j Job) Token(ctx context.Context, audience string) (string, error) {
	if !j.Offered() {
		return "", &MissingError{Inside: j.Inside()}
	}
	r, err := j.request(ctx, audience)
	if err != nil {
		return "", err
	}
	res, err := j.Client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil {
		return "", &url.Error{Op: "Get", URL: r.URL.Host, Err: err}
	}
	var answer struct {
		Value string `json:"value"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case res.StatusCode >= http.StatusInternalServerError:
		return "", &url.Error{Op: "Get", URL: r.URL.Host, Err: fmt.Errorf("status %d", res.StatusCode)}
	case res.StatusCode != http.StatusOK: // what the answer says beside that is anybody's
		return "", fmt.Errorf("GitHub gives the job no token: status %d from %s", res.StatusCode, r.URL.Host)
	case err != nil || !isToken(answer.Value):
		return "", fmt.Errorf("GitHub's answer has no token: status %d from %s", res.StatusCode, r.URL.Host)
	}
	j.keep(answer.Value)
	return answer.Value, nil
}

func (j Job) request(ctx context.Context, audience string) (*http.Request, error) {
	u, err := url.Parse(j.Getenv(RequestURL))
	if err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u) {
		return nil, fmt.Errorf("%s is no address of GitHub's: want https", RequestURL)
	}
	query := u.Query()
	query.Set("audience", audience)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	j.keep(j.Getenv(RequestToken))
	r.Header.Set("Authorization", "Bearer "+j.Getenv(RequestToken))
	r.Header.Set("Accept", "application/json; api-version=2.0")
	return r, nil
}

func loopback(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && addr.IsLoopback())
}

func (j Job) keep(value string) {
	if j.Keep != nil {
		j.Keep(value)
	}
}

// isToken reports whether a text has the form of a token: three parts in base64. It goes
// on to others, and nothing else does.
func isToken(text string) bool {
	parts := strings.Split(text, ".")
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.DecodeString(part); err != nil {
			return false
		}
	}
	return len(parts) == 3
}

// Subject is what a token says that the job is, such as
// "repo:octo/shop:environment:production": it is what a cloud's trust is about, and no
// secret. "" where the token cannot be read.
func Subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Subject
}
