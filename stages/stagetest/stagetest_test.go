package stagetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"sluice/stages/stagetest"
)

func TestSoundDriverPassesHostile(t *testing.T) { stagetest.RunHostile(t, landing("")) }

// TestFlawedHostile is run by TestHostileFlawsAreCaught in a process of its own.
func TestFlawedHostile(t *testing.T) {
	flaw := os.Getenv(flawed)
	if flaw == "" {
		t.Skip("only in a child of TestHostileFlawsAreCaught")
	}
	stagetest.RunHostile(t, landing(flaw))
}

// Each of these drivers breaks one rule of the hostile suite, and it must say
// which, and where.
func TestHostileFlawsAreCaught(t *testing.T) {
	tests := map[string]string{
		"believes": "that nothing runs there only where an answer proves it",
		"stumbles": "that nothing panics",
		"wanders":  "that nothing goes to another host",
		"insists":  "that an effect is sent at most once a Begin",
		"hopes":    "that success is what stands",
		"despairs": "that a lookup says what is true",
		"blames":   "that a bad answer says nothing against a release",
		"judges":   "that a bad answer is none",
		"dawdles":  "that a call ends with its context",
	}
	for flaw, rule := range tests {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFlawedHostile$", "-test.v")
			child.Env = append(os.Environ(), flawed+"="+flaw)
			out, err := child.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "broke the rule "+rule) {
				t.Errorf("%v: the rule %s is not said to be broken:\n%s", err, rule, out)
			}
		})
	}
}

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
		"hasty":       "PrepareChangesNothing", // an effect in Prepare
		"indiscreet":  "PrepareChangesNothing", // a secret in the call
		"remembers":   "deploy/OneEffect",      // state between the steps
		"insists":     "deploy/AnswerLost",     // repeats a lost effect by itself
		"glib":        "deploy/AnswerLost",     // says that a lost effect was none
		"believes":    "deploy/OneEffect",      // success that nobody read back
		"hopes":       "deploy/NeverSent",      // finds what was never sent
		"rushes":      "deploy/NeverSent",      // gives up before the settling time is over
		"trusts":      "ForeignWhileLost",      // does not see somebody else
		"deaf":        "deploy/Cancelled",      // goes on after the context has ended
		"assumes":     "OtherErrors",           // calls an unknown error harmless
		"shuffles":    "LiveOfSeveral",         // mixes up what targets run
		"generalises": "LiveBesideTrouble",     // one target's trouble is everybody's
		"exaggerates": "LiveOfSeveral",         // more than all of the traffic
		"blurts":      "LiveAhead",             // hands out what nobody may take for a read
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
