package app

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/view"
	"sluice/internal/work"
)

// torn is a stream that cannot be written without a panic.
type torn struct{}

func (torn) Write([]byte) (int, error) { panic("the stream is torn") }

// TestPanicsAreMistakes: wherever something panics, the user gets a sentence and
// exit 1; the stack only with --debug.
func TestPanicsAreMistakes(t *testing.T) {
	file, err := filepath.Abs("../../examples/quickstart/sluice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { panic("the clock stands") }
	for name, p := range map[string]Process{
		"while it works":   {Stdout: io.Discard, Clock: work.Clock{Now: clock}, Args: []string{"status", "--sandbox", "--file", file}},
		"while it reports": {Stdout: torn{}, Args: []string{"version"}},
	} {
		for _, debug := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Chdir(t.TempDir())
				var stderr strings.Builder
				p.Stderr = &stderr
				if debug {
					p.Args = append(p.Args, "--debug")
				}
				code := Main(t.Context(), p)
				if said := stderr.String(); code != int(view.ExitFailed) || !strings.Contains(said, "error: this is a mistake in sluice (run the command: the") {
					t.Errorf("exit %d, %s", code, said)
				}
				if stack := strings.Contains(stderr.String(), "goroutine "); stack != debug {
					t.Errorf("the stack is shown: %v, want %v: %s", stack, debug, stderr.String())
				}
			})
		}
	}
}
