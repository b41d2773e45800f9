package redact_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sluice/internal/outside/outsidetest"
	"sluice/internal/redact"
)

type told struct {
	Text   string
	List   []string
	Inner  *told
	Named  map[string]told
	Raw    json.RawMessage
	Any    any
	Two    [2]string
	Number int

	hidden int
}

// TestIn: each text of a value is clean in the copy, whatever it stands in, and as it
// was in the value.
func TestIn(t *testing.T) {
	clean := func(text string) string { return strings.ReplaceAll(text, "swordfish", redact.Mark) }
	base := told{Inner: &told{}, Any: []any{"swordfish", 7}, Number: 7, hidden: 8}
	for _, p := range outsidetest.PlacesOf[told]() {
		v := base
		p.Put(&v, "a swordfish")
		before := fmt.Sprintf("%+v", v)
		got := redact.In(v, clean)
		if text, err := json.Marshal(got); err != nil || strings.Contains(string(text), "swordfish") || !strings.Contains(string(text), "a "+redact.Mark) {
			t.Errorf("%s: %s (%v)", p.Path, text, err)
		}
		if got.Number != 7 || got.hidden != 8 || fmt.Sprintf("%+v", v) != before {
			t.Errorf("%s: %+v became %+v", p.Path, v, got)
		}
	}
	if got := redact.In(told{}, clean); !reflect.DeepEqual(got, told{}) {
		t.Errorf("nothing became %+v", got)
	}
}
