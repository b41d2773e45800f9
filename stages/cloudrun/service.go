package cloudrun

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"sluice/canary"
	"sluice/stages/driver"
	"sluice/stages/google"
)

// rules are what Cloud Run's answers carry: the fields that it sets itself, so that
// every true answer has them.
func rules() google.Rules {
	return google.Rules{
		Resources: map[string]google.Rule{
			"services":   {Carries: []string{"uid", "etag", "generation", "terminalCondition", "template"}, Check: checkService},
			"revisions":  {Carries: []string{"uid", "createTime", "containers"}, Check: checkRevision},
			"operations": {Check: checkOperation},
		},
		Effect: func(_ string, answer google.Fields) error {
			if !strings.Contains(answer.Text("name"), "/operations/") {
				return errors.New("it names no operation")
			}
			return nil
		},
	}
}

// checkService holds a service to the traffic that it serves. One that never had a
// ready revision serves none.
func checkService(f google.Fields) error {
	var s service
	data, err := json.Marshal(f)
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	switch {
	case err != nil:
		return err
	case s.Terminal.State == "":
		return errors.New("its terminalCondition has no state")
	case s.Ready != "" && len(s.Statuses) == 0:
		return errors.New("it has a ready revision, and no trafficStatuses")
	}
	for _, t := range s.Statuses {
		if t.Revision == "" && t.Type != latest {
			return errors.New("one of its trafficStatuses has no revision")
		}
	}
	return nil
}

func checkRevision(f google.Fields) error {
	if f.Text("service") == "" || f.List("containers") == nil {
		return errors.New("it has no service or no containers")
	}
	if google.Clock(f.Text("createTime")).IsZero() {
		return errors.New("its createTime is no time")
	}
	return nil
}

func checkOperation(f google.Fields) error {
	if f.Has("done") && !f.Has("error") && !f.Has("response") {
		return errors.New("it is done, with neither an error nor a response")
	}
	return nil
}

const (
	byRevision = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
	latest     = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
	succeeded  = "CONDITION_SUCCEEDED"
	broken     = "CONDITION_FAILED"
)

// service is what of a service matters here.
type service struct {
	Etag        string          `json:"etag"`
	Generation  int64           `json:"generation,string"`
	Observed    int64           `json:"observedGeneration,string"`
	Reconciling bool            `json:"reconciling"`
	Ready       string          `json:"latestReadyRevision"`
	Terminal    condition       `json:"terminalCondition"`
	Traffic     []entry         `json:"traffic"`
	Statuses    []entry         `json:"trafficStatuses"`
	Template    json.RawMessage `json:"template"`
}

// condition is what Cloud Run says of how something stands.
type condition struct {
	Type    string `json:"type"`
	State   string `json:"state"`
	Message string `json:"message"`
}

// entry is a part of a service's traffic.
type entry struct {
	Type     string `json:"type,omitempty"`
	Revision string `json:"revision,omitempty"`
	Percent  int    `json:"percent,omitempty"`
	Tag      string `json:"tag,omitempty"`
}

// asked is the traffic that a service was asked for: without any it is all LATEST's.
func (s service) asked() stands {
	all := s.Traffic
	if len(all) == 0 {
		all = []entry{{Type: latest, Percent: 100}}
	}
	return standsOf(all, s.Ready)
}

// served is the traffic as it is.
func (s service) served() stands { return standsOf(s.Statuses, s.Ready) }

// settled reports whether what was asked for is what is served.
func (s service) settled() bool { return !s.Reconciling && s.Generation == s.Observed }

// stands is a service's traffic as it stands, or will: what state keeps of it. LATEST
// that gets traffic is resolved: Latest is the revision it means.
type stands struct {
	Traffic []entry `json:"traffic"`
	Latest  string  `json:"latest,omitempty"`
}

// standsOf is traffic in one form: entries that get nothing and have no tag are no
// entries.
func standsOf(all []entry, ready string) stands {
	s := stands{Traffic: []entry{}}
	for _, e := range all {
		if e.Percent == 0 && e.Tag == "" {
			continue
		}
		e = entry{Type: e.Type, Revision: google.Last(e.Revision), Percent: e.Percent, Tag: e.Tag}
		if e.Type == latest {
			e.Revision = ""
			if e.Percent > 0 {
				s.Latest = google.Last(ready)
			}
		}
		s.Traffic = append(s.Traffic, e)
	}
	return s
}

// same reports whether two divide the traffic alike and have the same tags.
func (s stands) same(o stands) bool {
	a, b := s.resolved(), o.resolved()
	for _, list := range [][]entry{a, b} {
		sort.Slice(list, func(i, j int) bool {
			x, y := list[i], list[j]
			return x.Tag+" "+x.Type+" "+x.Revision < y.Tag+" "+y.Type+" "+y.Revision
		})
	}
	return slices.Equal(a, b)
}

// resolved are the entries with what LATEST means where it gets traffic.
func (s stands) resolved() []entry {
	list := slices.Clone(s.Traffic)
	for i, e := range list {
		if e.Type == latest && e.Percent > 0 {
			list[i].Type, list[i].Revision = byRevision, s.Latest
		}
	}
	return list
}

// share is a revision's part of the traffic.
type share struct {
	revision string
	percent  int
}

// shares are who has how much, in the order of the list: the first is what runs.
func (s stands) shares() []share {
	var all []share
	for _, e := range s.resolved() {
		if e.Percent == 0 {
			continue
		}
		if i := slices.IndexFunc(all, func(h share) bool { return h.revision == e.Revision }); i >= 0 {
			all[i].percent += e.Percent
			continue
		}
		all = append(all, share{e.Revision, e.Percent})
	}
	return all
}

// split is the traffic divided in two; false where more revisions share it.
func (s stands) split() (canary.Split, bool) {
	all := s.shares()
	switch len(all) {
	case 0:
		return canary.Split{}, true
	case 1:
		return canary.Split{Stable: all[0].revision}, true
	case 2:
		return canary.Split{Stable: all[0].revision, Canary: all[1].revision, Percent: canary.PercentOf(float64(all[1].percent))}, true
	default:
		return canary.Split{Stable: all[0].revision}, false
	}
}

// String says who has what of the traffic.
func (s stands) String() string {
	var words []string
	for _, h := range s.shares() {
		words = append(words, fmt.Sprintf("%d %% %s", h.percent, h.revision))
	}
	if s.Latest != "" {
		words = append(words, "by LATEST")
	}
	return strings.Join(words, ", ")
}

// divided is the traffic with new shares. Tags stay where they are, and LATEST with
// them; what got traffic gets it by its revision's name.
func (s stands) divided(shares ...share) stands {
	after := stands{Traffic: []entry{}}
	for _, h := range shares {
		if h.percent > 0 {
			after.Traffic = append(after.Traffic, entry{Type: byRevision, Revision: h.revision, Percent: h.percent})
		}
	}
	for _, e := range s.Traffic {
		if e.Tag != "" {
			e.Percent = 0
			after.Traffic = append(after.Traffic, e)
		}
	}
	return after
}

// revision is what of a revision matters here.
type revision struct {
	Name       string          `json:"name"`
	Created    string          `json:"createTime"`
	Containers json.RawMessage `json:"containers"`
	Conditions []condition     `json:"conditions"`
}

// failure is why a revision cannot take traffic; "" where nothing says so.
func (r revision) failure() string {
	for _, c := range r.Conditions {
		if c.Type == "Ready" && c.State == broken {
			return c.Message
		}
	}
	return ""
}

// image is the image of the container that takes requests: the one with ports, or the
// only one.
func image(containers json.RawMessage) (index int, ref string, err error) {
	var all []struct {
		Image string            `json:"image"`
		Ports []json.RawMessage `json:"ports"`
	}
	if err := json.Unmarshal(containers, &all); err != nil {
		return 0, "", fmt.Errorf("its containers: %w", err)
	}
	for i, c := range all {
		if len(c.Ports) > 0 || len(all) == 1 {
			return i, c.Image, nil
		}
	}
	return 0, "", errors.New("none of its containers has ports")
}

// digest is the beginning of an image's digest, 12 hexadecimal digits; "" where it is
// named by a tag, which may mean something else by now.
func digest(ref string) string {
	_, sum, found := strings.Cut(ref, "@sha256:")
	if !found || len(sum) != 64 {
		return ""
	}
	return sum[:12]
}

// unpinned stands for the digest of an image that has none.
const unpinned = "unpinned"

// id is a release's id in its parts.
type id struct{ service, revision, digest string }

func parse(text string) (id, bool) {
	service, rest, named := strings.Cut(text, "/")
	rev, sum, imaged := strings.Cut(rest, "@")
	return id{service, rev, sum}, named && imaged && google.IsName(service) && google.IsName(rev) && sum != ""
}

func (i id) String() string { return i.service + "/" + i.revision + "@" + i.digest }

// release is a revision of a service as a release. Its time is told where it is asked
// for by name alone: another service has to be asked what it calls it.
func (r revision) release(service string) (driver.Release, error) {
	_, ref, err := image(r.Containers)
	if err != nil {
		return driver.Release{}, google.NoAnswer("the revision "+r.Name, "%w", err)
	}
	sum, whole := digest(ref), ""
	if sum == "" {
		sum = unpinned
	} else {
		_, whole, _ = strings.Cut(ref, "@")
	}
	short := google.Last(r.Name)
	return driver.Release{ID: id{service, short, sum}.String(), Name: short, Comment: ref, Digest: whole}, nil
}

// made is the name of the revision that a service gets of an image: the same for the
// same image and template, so that it is found again.
func made(service, sum string, template json.RawMessage) (string, error) {
	fields, err := plain(template)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(append([]byte(sum+" "), text...))
	return service + "-s" + hex.EncodeToString(hash[:4]), nil
}

// plain is a template without what a promotion changes in it.
func plain(template json.RawMessage) (map[string]any, error) {
	var fields map[string]any
	if err := json.Unmarshal(template, &fields); err != nil {
		return nil, google.NoAnswer("the service's template", "%w", err)
	}
	delete(fields, "revision")
	var containers struct {
		Containers json.RawMessage `json:"containers"`
	}
	if err := json.Unmarshal(template, &containers); err != nil {
		return nil, google.NoAnswer("the service's template", "%w", err)
	}
	index, _, err := image(containers.Containers)
	list, isList := fields["containers"].([]any)
	if err != nil || !isList || index >= len(list) {
		return nil, google.NoAnswer("the service's template", "its containers cannot be told apart")
	}
	if one, ok := list[index].(map[string]any); ok {
		delete(one, "image")
	}
	return fields, nil
}

// revised is a template with another image and the name of the revision to be made.
func revised(template json.RawMessage, name, ref string) (json.RawMessage, error) {
	fields, err := plain(template)
	if err != nil {
		return nil, err
	}
	var containers struct {
		Containers json.RawMessage `json:"containers"`
	}
	if err := json.Unmarshal(template, &containers); err != nil {
		return nil, err
	}
	index, _, err := image(containers.Containers)
	if err != nil {
		return nil, err
	}
	if one, ok := fields["containers"].([]any)[index].(map[string]any); ok {
		one["image"] = ref
	}
	fields["revision"] = name
	return json.Marshal(fields)
}
