package clouddeploy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"sluice/stages/google"
)

// mostRollouts is how many automatic ids gcloud gives for a release and target.
const mostRollouts = 1000

// requestID is the same for every attempt at a call, and a UUID as Cloud
// Deploy wants it.
func requestID(key, rollout string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(rollout+"\n"+key)).String()
}

// rolloutID is the first automatic id that is not among the taken ones:
// {release}-to-{target}-0001 as gcloud gives it, shortened where that would be
// too long for Cloud Deploy.
func rolloutID(release, target string, taken []string) (string, error) {
	for n := 1; n <= mostRollouts; n++ {
		id := fmt.Sprintf("%s-to-%s-%04d", release, target, n)
		if !validID().MatchString(id) {
			sum := sha256.Sum256([]byte(release))
			short := strings.TrimRight(target[:min(len(target), 40)], "-")
			id = fmt.Sprintf("r-%s-%s-%04d", hex.EncodeToString(sum[:4]), short, n)
		}
		if !slices.Contains(taken, id) {
			return id, nil
		}
	}
	return "", &google.InvalidError{
		Text:   fmt.Sprintf("release %s had %d rollouts to target %s: no id is left", release, mostRollouts, target),
		Remedy: "make a new release",
	}
}

var validID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^` + idPattern + `$`) })
