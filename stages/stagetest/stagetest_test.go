package stagetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"sluice/stages/stagetest"
)

// flawed names the flaw of the driver in a child process.
const flawed = "STAGETEST_FLAW"

func TestSoundDriverPasses(t *testing.T) { stagetest.RunConformance(t, harness("")) }

// TestFlawedDriver is run by TestFlawsAreCaught in a process of its own.
func TestFlawedDriver(t *testing.T) {
	flaw := os.Getenv(flawed)
	if flaw == "" {
		t.Skip("only in a child of TestFlawsAreCaught")
	}
	stagetest.RunConformance(t, harness(flaw))
}

// A suite that never fails proves nothing: each of these drivers breaks one
// promise, and a certain subtest must notice.
func TestFlawsAreCaught(t *testing.T) {
	tests := map[string]string{
		"hasty":      "PrepareChangesNothing", // an effect in Prepare
		"indiscreet": "PrepareChangesNothing", // a secret in the call
		"remembers":  "deploy/OneEffect",      // state between the steps
		"insists":    "deploy/AnswerLost",     // repeats a lost effect by itself
		"glib":       "deploy/AnswerLost",     // says that a lost effect was none
		"believes":   "deploy/OneEffect",      // success that nobody read back
		"hopes":      "deploy/NeverSent",      // finds what was never sent
		"rushes":     "deploy/NeverSent",      // gives up before the settling time is over
		"trusts":     "ForeignWhileLost",      // does not see somebody else
		"deaf":       "deploy/Cancelled",      // goes on after the context has ended
		"assumes":    "OtherErrors",           // calls an unknown error harmless
	}
	for flaw, subtest := range tests {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFlawedDriver$", "-test.v")
			child.Env = append(os.Environ(), flawed+"="+flaw)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawedDriver/"+subtest+" ") {
				t.Errorf("%v: %s did not fail:\n%s", err, subtest, out)
			}
		})
	}
}
