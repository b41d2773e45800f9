package deploymentmanager

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/sandbox/deploymentmanager/wire"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Deployments map[string]*deployment `json:"deployments"` // by "project/name"
	Operations  map[string]*operation  `json:"operations"`  // by "project/name"
	Projects    []string               `json:"projects"`
	Made        int                    `json:"made"` // things ever made: ids are not used again
}

// deployment is a deployment with its manifests, oldest first.
type deployment struct {
	API       *wire.Deployment `json:"deployment"`
	Manifests []*manifest      `json:"manifests"`
	Working   string           `json:"working,omitempty"` // the operation at work, by key
}

type manifest struct{ *wire.Manifest }

// operation is an operation and what it will do.
type operation struct {
	API        *wire.Operation `json:"operation"`
	Deployment string          `json:"deployment"`         // by key
	Manifest   string          `json:"manifest,omitempty"` // the name of the one that it makes the deployment's
	Preview    bool            `json:"preview,omitempty"`
	Fault      string          `json:"fault,omitempty"`
	Began      time.Time       `json:"began"`
	Gone       bool            `json:"gone,omitempty"`
}

// target is what a request wants to have deployed.
type target struct {
	Config  *wire.ConfigFile   `json:"config"`
	Imports []*wire.ImportFile `json:"imports"`
}

func newState() state {
	return state{Deployments: map[string]*deployment{}, Operations: map[string]*operation{}, Projects: []string{}}
}

func (s *state) next() int {
	s.Made++
	return s.Made
}

// same reports whether a manifest has just that configuration.
func (m *manifest) same(t target) bool {
	if m == nil || t.Config == nil || m.Config == nil || m.Config.Content != t.Config.Content {
		return false
	}
	return slices.EqualFunc(m.Imports, t.Imports, func(a, b *wire.ImportFile) bool { return a.Name == b.Name && a.Content == b.Content })
}

// manifest finds a manifest by name, nil where there is none.
func (d *deployment) manifest(name string) *manifest {
	i := slices.IndexFunc(d.Manifests, func(m *manifest) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return d.Manifests[i]
}

// current is the manifest that was deployed last, nil for none.
func (d *deployment) current() *manifest { return d.manifest(last(d.API.Manifest)) }

// touch gives a deployment another fingerprint.
//
// Discovery document: the fingerprint "changes after every request to modify data"
func (e *Emulator) touch(d *deployment) {
	sum := sha256.Sum256([]byte(fmt.Sprint(d.API.Name, e.state.next())))
	d.API.Fingerprint = base64.URLEncoding.EncodeToString(sum[:12])
	d.API.UpdateTime = e.stamp()
}

// addManifest keeps what a request wants deployed.
func (e *Emulator) addManifest(key string, d *deployment, t target) *manifest {
	name := fmt.Sprintf("manifest-%d%03d", e.now().UnixMilli(), e.state.next())
	m := &manifest{&wire.Manifest{
		ID: e.id(key + name), Name: name, InsertTime: e.stamp(), SelfLink: d.API.SelfLink + "/manifests/" + name,
		Config: t.Config, Imports: t.Imports, ExpandedConfig: expand(key, t.Config.Content), ManifestSizeBytes: int64(len(t.Config.Content)),
	}}
	d.Manifests = append(d.Manifests, m)
	return m
}

// expand fills in the environment's names, as templates may use them.
func expand(key, content string) string {
	project, name, _ := strings.Cut(key, "/")
	return strings.NewReplacer(`{{ env["deployment"] }}`, name, `{{ env["project"] }}`, project).Replace(content)
}

// id is an id like Google's.
//
// docs/platforms.md: "ids are uint64 as strings"
func (e *Emulator) id(of string) uint64 {
	sum := sha256.Sum256([]byte(of))
	return binary.BigEndian.Uint64(sum[:8])>>1 | 1<<62
}

// stamp is the time as the API writes it.
//
// docs/platforms.md: "times carry offsets"
func (e *Emulator) stamp() string {
	return e.now().In(time.FixedZone("", -7*60*60)).Format("2006-01-02T15:04:05.000-07:00")
}

// last is the last part of a link.
func last(link string) string { return link[strings.LastIndex(link, "/")+1:] }
