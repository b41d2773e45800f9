package ledger_test

import (
	"errors"
	"testing"

	"sluice/internal/ledger"
	"sluice/internal/store"
)

// What stopped several saves in the same way is told once.
func TestJoinSaysOnce(t *testing.T) {
	lost := func() error { return &store.UnreadableError{Op: "write", Err: errors.New("no answer")} }
	other := errors.New("another thing")
	err := ledger.Join(other, lost(), nil, lost(), lost())
	if want := lost().Error() + "\n" + other.Error(); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if ledger.Join(nil, nil) != nil {
		t.Error("nothing is an error")
	}
}
