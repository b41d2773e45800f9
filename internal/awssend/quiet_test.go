package awssend_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/smithy-go/logging"

	"sluice/internal/awssend"
)

// TestQuiet: what the SDK has to say about an answer, with the server's own text in it,
// does not go to standard error by itself.
func TestQuiet(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stderr")
	written, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { written.Close() })
	before := os.Stderr
	os.Stderr = written
	t.Cleanup(func() { os.Stderr = before })
	s := &services{t: t}
	o, _ := s.options(t, map[string]string{"AWS_REGION": "eu-west-1"})
	o.Identity = awssend.Identity{}
	cfg, err := awssend.Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Logger == nil {
		t.Fatal("the SDK chooses where it writes")
	}
	cfg.Logger.Logf(logging.Warn, "malformed MIME header line: %s", "very-secret")
	if text, err := os.ReadFile(file); err != nil || len(text) > 0 {
		t.Errorf("it wrote %q, %v", text, err)
	}
}
