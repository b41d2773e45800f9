package heroku

import (
	"testing"
	"time"
)

// A release phase that was seen to end is over for every process.
func TestLookingMovesThePhaseOn(t *testing.T) {
	e := New(time.Now)
	r := &release{releaseBody: releaseBody{Status: pending}, Looks: 1, Ends: succeeded}
	e.account().look(r)
	if r.Status != succeeded || !e.Moved() {
		t.Errorf("%s, and the state is not kept", r.Status)
	}
	e.account().look(r)
	if e.Moved() {
		t.Error("looking at what is over changed something")
	}
}
