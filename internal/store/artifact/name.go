package artifact

import (
	"fmt"
	"strings"
)

// prefix begins the names of all artifacts that hold state.
const prefix = "sluice-state."

// slots are the ends of the names that saves take in turn.
func slots() []string { return []string{"a", "b", "c", "d"} }

// lane is the middle of the names of a job of a matrix; "" is everybody else's.
func lane(shard string) string { return strings.ReplaceAll(shard, "/", "-of-") }

// nameOf is the name of a slot of a pipeline. Names of pipelines hold no dots.
func nameOf(pipeline, lane, slot string) string {
	if lane == "" {
		return prefix + pipeline + "." + slot
	}
	return prefix + pipeline + "." + lane + "." + slot
}

// names are those of a lane.
func names(pipeline, lane string) []string {
	var list []string
	for _, slot := range slots() {
		list = append(list, nameOf(pipeline, lane, slot))
	}
	return list
}

// parseName reads what nameOf wrote; anything else is not ours.
func parseName(pipeline, name string) (lane string, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix+pipeline+".")
	if !ok {
		return "", false
	}
	for _, slot := range slots() {
		if rest == slot {
			return "", true
		}
		if lane, ok := strings.CutSuffix(rest, "."+slot); ok {
			var i, n int
			_, err := fmt.Sscanf(lane, "%d-of-%d", &i, &n)
			return lane, err == nil && lane == fmt.Sprintf("%d-of-%d", i, n)
		}
	}
	return "", false
}
