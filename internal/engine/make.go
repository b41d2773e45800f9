package engine

import (
	"fmt"
)

// describe is what a release is made for: the same for every attempt of the run.
func describe(c Config) string {
	run := c.Run.Name
	if run == "" {
		run = c.Run.ID
	}
	if c.Commit == "" {
		return "made by " + run
	}
	return fmt.Sprintf("commit %s by %s", c.Commit, run)
}
