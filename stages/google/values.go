package google

import (
	"fmt"
	"time"

	"sluice/stages/driver"
)

// Clock reads one of the APIs' times; the zero time where there is none.
func Clock(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// OneChange is the mistake of a call that has not exactly one change, which is
// what the drivers take.
func OneChange(c driver.Call) error {
	return &InvalidError{Text: fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
}
