package googleapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/internal/sandbox/googleapi"
)

func TestCheckQuery(t *testing.T) {
	for query, good := range map[string]bool{"": true, "alt=json&prettyPrint=false": true, "pageSize=1": true, "color=blue": false} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x?"+query, nil)
		if err := googleapi.CheckQuery(r, []string{"pageSize"}); (err == nil) != good {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestDecode(t *testing.T) {
	var into struct{ Name string }
	for body, good := range map[string]bool{"": true, " \n": true, `{"name":"x"}`: true, `{"color":"x"}`: false, `{`: false} {
		if err := googleapi.Decode([]byte(body), &into); (err == nil) != good || err != nil && !strings.HasPrefix(err.Error(), "Invalid JSON payload") {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	w := httptest.NewRecorder()
	googleapi.WriteJSON(w, http.StatusConflict, map[string]int{"a": 1})
	if w.Code != http.StatusConflict || w.Body.String() != "{\"a\":1}\n" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
