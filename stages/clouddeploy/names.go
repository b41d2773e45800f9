package clouddeploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// callAnnotation marks a rollout with the call that made it, so that a lost
// answer is known again even when the platform has forgotten the request id.
const callAnnotation = "sluice/call"

// mostRollouts is how many automatic ids gcloud gives for a release and target.
const mostRollouts = 1000

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data.
type frozen struct {
	Rollout  string   `json:"rollout"`            // resource name
	Request  string   `json:"request,omitempty"`  // Deploy: the request id; Deploy, Rollback: the mark of the rollout
	Newest   string   `json:"newest,omitempty"`   // Deploy, Rollback: the newest rollout on the target before; "" for none
	Before   string   `json:"before,omitempty"`   // Deploy, Rollback: the release that ran; "" for nothing
	Policies []string `json:"policies,omitempty"` // deploy policies to override, by resource name
	Phase    string   `json:"phase,omitempty"`    // Advance, RetryJob, IgnoreJob, Terminate
	Job      string   `json:"job,omitempty"`      // RetryJob, IgnoreJob, Terminate
	JobRun   string   `json:"jobRun,omitempty"`   // RetryJob: the run that failed; Terminate: the one that is to end
}

func (f frozen) freeze() (json.RawMessage, error) { return json.Marshal(f) }

// thaw reads what Prepare froze.
func thaw(c driver.Call) (frozen, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return f, google.OneChange(c)
	}
	if err := json.Unmarshal(c.Data, &f); err != nil || f.Rollout == "" {
		return f, &google.InvalidError{Text: "the call was not prepared"}
	}
	return f, nil
}

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

// releaseOf is the release that a rollout's name lies in.
func releaseOf(rollout string) string {
	release, _, _ := strings.Cut(rollout, "/rollouts/")
	return google.Last(release)
}
