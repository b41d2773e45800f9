package artifact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sluice/internal/store"
)

// prefix begins the names of all artifacts that hold state.
const prefix = "sluice-state."

// markLength is how much of a save's digest is in its name: enough to be
// unique, and to tell two saves of one generation apart without reading them.
const markLength = 16

var isMark = regexp.MustCompile(`^[0-9a-f]{16}$`)

// artifactName is unique for every save: the digest is, because it covers a
// random part. Names of pipelines, targets and kinds hold no dots.
func artifactName(k store.Key, generation int64, digest string) string {
	name := k.Target
	if k.Kind != store.KindTarget {
		name += "." + k.Kind
	}
	return fmt.Sprintf("%s%s.%s.g%d.%s", prefix, k.Pipeline, name, generation, mark(digest))
}

func mark(digest string) string {
	return strings.TrimPrefix(digest, "sha256:")[:markLength]
}

// parseName reads what artifactName wrote; anything else is not ours.
func parseName(name string) (c candidate, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	parts := strings.Split(rest, ".")
	if !ok || len(parts) < 4 || len(parts) > 5 {
		return candidate{}, false
	}
	k := store.Key{Pipeline: parts[0], Target: parts[1], Kind: strings.Join(parts[2:len(parts)-2], "")}
	number, mark := parts[len(parts)-2], parts[len(parts)-1]
	if !isMark.MatchString(mark) || !strings.HasPrefix(number, "g") {
		return candidate{}, false
	}
	generation, err := strconv.ParseInt(number[1:], 10, 64)
	if err != nil || generation < 1 || k.Check() != nil {
		return candidate{}, false
	}
	c = candidate{name: name, key: k, generation: generation, mark: mark}
	return c, name == artifactName(k, generation, c.mark) // "g01" is not ours
}

// compact is data as it comes back from an envelope.
func compact(data []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, data) != nil {
		return data // Commit checked that it is JSON
	}
	return out.Bytes()
}
