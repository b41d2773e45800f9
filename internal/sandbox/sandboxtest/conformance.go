package sandboxtest

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"sluice/internal/sandbox"
	"sluice/pipeline"
)

// RunConformance checks what the server relies on in an emulator. newEmulator
// makes an empty one, each on the same clock; p has targets on its platform.
func RunConformance(t *testing.T, newEmulator func() sandbox.Emulator, p *pipeline.Pipeline) {
	t.Run("seeding", func(t *testing.T) { checkSeeding(t, newEmulator, p) })
	t.Run("keeping", func(t *testing.T) { checkKeeping(t, newEmulator, p) })
	t.Run("environment", func(t *testing.T) { checkEnvironment(t, newEmulator()) })
	t.Run("refusals", func(t *testing.T) { checkRefusals(t, newEmulator()) })
	t.Run("intrusion", func(t *testing.T) { checkIntrusion(t, newEmulator, p) })
}

// checkSeeding: equal pipelines seed equal resources, once.
func checkSeeding(t *testing.T, newEmulator func() sandbox.Emulator, p *pipeline.Pipeline) {
	e := newEmulator()
	empty := save(t, e)
	seed(t, e, p)
	once := save(t, e)
	if once == empty {
		t.Error("Seed made nothing of the pipeline's targets")
	}
	seed(t, e, p)
	if again := save(t, e); again != once {
		t.Errorf("seeded twice:\n%s\nonce:\n%s", again, once)
	}
	other := newEmulator()
	seed(t, other, p)
	if got := save(t, other); got != once {
		t.Errorf("the same pipeline seeded\n%s\nand\n%s", got, once)
	}
}

// checkKeeping: what is saved is the whole state, and garbage is refused.
func checkKeeping(t *testing.T, newEmulator func() sandbox.Emulator, p *pipeline.Pipeline) {
	e := newEmulator()
	seed(t, e, p)
	saved := save(t, e)
	other := newEmulator()
	if err := other.Restore([]byte(saved)); err != nil {
		t.Fatal(err)
	}
	if got := save(t, other); got != saved {
		t.Errorf("restored:\n%s\nsaved:\n%s", got, saved)
	}
	if err := e.Restore([]byte("{half")); err == nil {
		t.Error("Restore took half a document")
	}
	if got := save(t, e); got != saved {
		t.Errorf("a refused Restore changed the state to\n%s", got)
	}
}

// checkEnvironment: clients are led to the emulator and nowhere else.
func checkEnvironment(t *testing.T, e sandbox.Emulator) {
	const base = "http://127.0.0.1:4566"
	led := false
	for name, value := range e.Env(base) {
		led = led || strings.HasPrefix(value, base)
		if strings.Contains(value, "://") && !strings.HasPrefix(value, base) {
			t.Errorf("%s=%s leads out of the sandbox", name, value)
		}
	}
	if !led {
		t.Errorf("nothing in %v leads to %s", e.Env(base), base)
	}
}

// checkRefusals: each has the status that clients go by.
func checkRefusals(t *testing.T, e sandbox.Emulator) {
	// Some APIs refuse everything with 400, and say why in the text.
	for why, want := range map[sandbox.Refusal][]int{sandbox.Throttle: {429, 400}, sandbox.Broken: {500}, sandbox.Denied: {403, 400}} {
		w := httptest.NewRecorder()
		e.Refuse(w, httptest.NewRequestWithContext(t.Context(), "POST", "/", nil), why)
		if !slices.Contains(want, w.Code) || w.Body.Len() == 0 {
			t.Errorf("%s answers %d %q, want one of %d and a reason", why, w.Code, w.Body, want)
		}
	}
}

// checkIntrusion: each seeded target can be changed from outside, no other.
func checkIntrusion(t *testing.T, newEmulator func() sandbox.Emulator, p *pipeline.Pipeline) {
	e := newEmulator()
	intruder, ok := e.(sandbox.Intruder)
	if !ok {
		t.Skip("this emulator knows no foreign changes")
	}
	seed(t, e, p)
	for _, stage := range p.Stages {
		for _, target := range stage.Targets {
			if target.Platform.Platform != e.Platform() {
				continue
			}
			before := save(t, e)
			if err := intruder.Intrude(target.Name.Value); err != nil {
				t.Errorf("intruding on %s: %v", target.Name.Value, err)
			}
			if save(t, e) == before {
				t.Errorf("intruding on %s changed nothing", target.Name.Value)
			}
		}
	}
	if err := intruder.Intrude("no-such-target"); err == nil {
		t.Error("a target that was never seeded was intruded on")
	}
}

func seed(t *testing.T, e sandbox.Emulator, p *pipeline.Pipeline) {
	t.Helper()
	if err := e.Seed(p); err != nil {
		t.Fatal(err)
	}
}

func save(t *testing.T, e sandbox.Emulator) string {
	t.Helper()
	state, err := e.Save()
	if err != nil {
		t.Fatal(err)
	}
	return string(state)
}
