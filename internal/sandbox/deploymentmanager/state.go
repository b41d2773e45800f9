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
	"sluice/internal/sandbox/kit"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Deployments map[string]*deployment `json:"deployments"` // by resource name
	Operations  map[string]*operation  `json:"operations"`  // by resource name
	Projects    []string               `json:"projects"`
	kit.Count
}

// deployment is a deployment with its manifests, oldest first.
type deployment struct {
	API       *wire.Deployment `json:"deployment"`
	Manifests []*manifest      `json:"manifests"`
	Working   string           `json:"working,omitempty"` // the operation at work, by name
}

type manifest struct{ *wire.Manifest }

// operation is an operation and what it will do.
type operation struct {
	API        *wire.Operation `json:"operation"`
	Deployment string          `json:"deployment"`         // by name
	Manifest   string          `json:"manifest,omitempty"` // the name of the one that it makes the deployment's
	Preview    bool            `json:"preview,omitempty"`
	kit.Work
	Stops    string `json:"stops,omitempty"`    // the operation that it stops, by name
	Stopping bool   `json:"stopping,omitempty"` // another operation stops it
}

// target is what a request wants to have deployed.
type target struct {
	Config  *wire.ConfigFile   `json:"config"`
	Imports []*wire.ImportFile `json:"imports"`
}

func newState() state {
	return state{Deployments: map[string]*deployment{}, Operations: map[string]*operation{}, Projects: []string{}}
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
	return kit.Find(d.Manifests, func(m *manifest) bool { return m.Name == name })
}

// current is the manifest that was deployed last, nil for none.
func (d *deployment) current() *manifest { return d.manifest(kit.Last(d.API.Manifest)) }

// touch gives a deployment another fingerprint.
//
// Discovery document: the fingerprint "changes after every request to modify data"
func (e *Emulator) touch(d *deployment) {
	sum := sha256.Sum256([]byte(fmt.Sprint(d.API.Name, e.State.Next())))
	d.API.Fingerprint = base64.URLEncoding.EncodeToString(sum[:12])
	d.API.UpdateTime = e.stamp()
}

// addManifest keeps what a request wants deployed.
func (e *Emulator) addManifest(d *deployment, t target) *manifest {
	name := fmt.Sprintf("manifest-%d%03d", e.Now().UnixMilli(), e.State.Next())
	m := &manifest{&wire.Manifest{
		ID: e.id(d.API.SelfLink + name), Name: name, InsertTime: e.stamp(), SelfLink: d.API.SelfLink + "/manifests/" + name,
		Config: t.Config, Imports: t.Imports, ExpandedConfig: expand(d, t.Config.Content), ManifestSizeBytes: int64(len(t.Config.Content)),
	}}
	d.Manifests = append(d.Manifests, m)
	return m
}

// expand fills in the environment's names, as templates may use them.
func expand(d *deployment, content string) string {
	project := projectOf(nameOf(d.API.SelfLink))
	return strings.NewReplacer(`{{ env["deployment"] }}`, d.API.Name, `{{ env["project"] }}`, project).Replace(content)
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
	return e.Now().In(time.FixedZone("", -7*60*60)).Format("2006-01-02T15:04:05.000-07:00")
}
