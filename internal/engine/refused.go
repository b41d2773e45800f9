package engine

import (
	"context"
	"errors"
	"strings"

	"sluice/internal/guard"
	"sluice/stages"
	"sluice/stages/driver"
)

// RefusedError means that nothing was done, and why: every reason at once.
type RefusedError struct {
	Findings []driver.Finding
}

// Error lists the reasons, one a line.
func (e *RefusedError) Error() string {
	lines := make([]string, 0, len(e.Findings))
	for _, f := range e.Findings {
		text := findingText(f)
		if f.Target != "" {
			text = f.Target + ": " + text
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "\n")
}

// add refuses for one more reason.
func (e *RefusedError) add(target, message string) {
	e.Findings = append(e.Findings, driver.Finding{Target: target, Severity: driver.Refuse, Message: message})
}

func refused(target, message, remedy string) *RefusedError {
	return &RefusedError{Findings: []driver.Finding{{Target: target, Severity: driver.Refuse, Message: message, Remedy: remedy}}}
}

// refuseUnknown makes what a platform said no to before any effect a refusal.
// A read that got no answer is a refusal too: nothing was done. A read that was
// interrupted is an interruption, and a mistake of Sluice's stays one.
func refuseUnknown(err error, target string) error {
	var place *stages.Error
	if errors.As(err, &place) && !errors.Is(err, context.Canceled) && !guard.IsMistake(err) {
		return refused(target, err.Error(), "")
	}
	return err
}

func asRefused(err error) (*RefusedError, bool) {
	var r *RefusedError
	ok := errors.As(err, &r)
	return r, ok
}
