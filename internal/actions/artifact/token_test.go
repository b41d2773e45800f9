package artifact

import (
	"encoding/base64"
	"strings"
	"testing"
)

func FuzzScope(f *testing.F) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	f.Add(token(`{"scp":"Actions.GenericRead:1 Actions.Results:run-1:job-1"}`))
	f.Add(token(`{"scp":"Actions.Results::"}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		run, job, err := scope(token)
		if err == nil && (run == "" || job == "" || strings.ContainsAny(run+job, ": \t\n")) {
			t.Errorf("run %q, job %q", run, job)
		}
		if err != nil && (run != "" || job != "" || strings.Contains(err.Error(), token) && token != "" && !strings.Contains(errToken.Error(), token)) {
			t.Errorf("run %q, job %q with %v", run, job, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"artifacts":[{"databaseId":7,"name":"x","size":"12","createdAt":"2024-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"artifacts":[null,1,"x"]}`))
	f.Add([]byte(`{"artifacts":{"name":1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		answer, err := decodeFields(text)
		if err != nil {
			return
		}
		list, err := answer.list("artifacts")
		for _, item := range list {
			if a, itemErr := decodeArtifact(item); err == nil && itemErr == nil && a.Name == "" {
				t.Errorf("an artifact without a name from %q", text)
			}
		}
	})
}
