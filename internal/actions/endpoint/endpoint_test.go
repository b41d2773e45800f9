package endpoint_test

import (
	"strings"
	"testing"

	"sluice/internal/actions/endpoint"
)

func TestCheck(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.github.com":         "",
		"https://ghe.example.com/api/v3": "",
		"http://127.0.0.1:8080":          "",
		"http://[::1]:8080":              "",
		"http://localhost:8080/x":        "",
		"http://api.github.com":          "unencrypted",
		"http://localhost.example.com":   "unencrypted",
		"http://128.0.0.1":               "unencrypted",
		"ftp://host":                     `scheme "ftp"`,
		"":                               "is not a URL with a host",
		"api.github.com":                 "is not a URL with a host",
		"https://":                       "is not a URL with a host",
		"https://me:secret@host":         "user or password",
		"http://%zz":                     "is not a URL with a host",
	} {
		_, err := endpoint.Check("GITHUB_API_URL", raw)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", raw, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "GITHUB_API_URL")):
			t.Errorf("%s: error %v, want one with %q", raw, err, want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error shows the password: %v", raw, err)
		}
	}
}
