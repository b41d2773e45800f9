package artifact

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

var errToken = errors.New("ACTIONS_RUNTIME_TOKEN is not a token for artifacts: it lacks the scope Actions.Results:<run>:<job>; it is set by the runner, do not override it")

// scope reads from the runtime token for which run and job of the service it
// stands. The token is ours to use, not to verify, so its signature is not
// checked.
func scope(token string) (run, job string, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", "", errToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return "", "", errToken
	}
	var claims struct {
		Scopes string `json:"scp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", "", errToken
	}
	for entry := range strings.FieldsSeq(claims.Scopes) {
		ids, ok := strings.CutPrefix(entry, "Actions.Results:")
		if !ok {
			continue
		}
		run, job, ok = strings.Cut(ids, ":")
		if ok && run != "" && job != "" && !strings.Contains(job, ":") {
			return run, job, nil
		}
	}
	return "", "", errToken
}
