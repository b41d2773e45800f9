package apigateway

import (
	"crypto/sha256"
	"math/big"
	"strconv"
	"time"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Regions awsapi.Regional[restAPI] `json:"regions"` // by id
	Domains awsapi.Regional[domain]  `json:"domains,omitempty"`
}

func newState() state {
	return state{Regions: awsapi.Regional[restAPI]{}, Domains: awsapi.Regional[domain]{}}
}

// address names one stage.
type address struct{ region, api, stage string }

// restAPI is one REST API with what belongs to it.
type restAPI struct {
	described
	Deployments []*deployment     `json:"deployments"` // oldest first
	Stages      map[string]*stage `json:"stages"`
	Made        int               `json:"made"` // deployments ever made: ids are not used again
}

// described is what a REST API tells of itself, as on the wire.
type described struct {
	restAPIInput
	ID             string `json:"id"`
	CreatedDate    int64  `json:"createdDate"`
	RootResourceID string `json:"rootResourceId"`
}

// restAPIInput is what CreateRestApi says of a REST API.
type restAPIInput struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Version     string            `json:"version,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// deployment is an immutable snapshot of an API.
type deployment struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	CreatedDate int64  `json:"createdDate"`
}

// stage is a named reference to a deployment, exactly as on the wire.
//
// docs/platforms.md: "`createdDate`/`lastUpdatedDate` must be JSON numbers"
type stage struct {
	stageInput
	ClientCertificateID string                    `json:"clientCertificateId,omitempty"`
	WebACLArn           string                    `json:"webAclArn,omitempty"`
	CacheClusterStatus  string                    `json:"cacheClusterStatus"`
	MethodSettings      map[string]*methodSetting `json:"methodSettings"`
	AccessLogSettings   *accessLogSettings        `json:"accessLogSettings,omitempty"`
	CreatedDate         int64                     `json:"createdDate"`
	LastUpdatedDate     int64                     `json:"lastUpdatedDate"`
}

// stageInput is what CreateStage says of a stage.
type stageInput struct {
	StageName            string            `json:"stageName"`
	DeploymentID         string            `json:"deploymentId"`
	Description          string            `json:"description,omitempty"`
	DocumentationVersion string            `json:"documentationVersion,omitempty"`
	CacheClusterEnabled  bool              `json:"cacheClusterEnabled"`
	CacheClusterSize     string            `json:"cacheClusterSize,omitempty"`
	TracingEnabled       bool              `json:"tracingEnabled"`
	Variables            map[string]string `json:"variables,omitempty"`
	CanarySettings       *canarySettings   `json:"canarySettings,omitempty"`
	Tags                 map[string]string `json:"tags,omitempty"`
}

// canarySettings are a stage's canary.
type canarySettings struct {
	DeploymentID           string            `json:"deploymentId"`
	PercentTraffic         float64           `json:"percentTraffic"`
	StageVariableOverrides map[string]string `json:"stageVariableOverrides,omitempty"`
	UseStageCache          bool              `json:"useStageCache"`
}

// accessLogSettings say where a stage logs its requests.
type accessLogSettings struct {
	DestinationArn string `json:"destinationArn,omitempty"`
	Format         string `json:"format,omitempty"`
}

// findAPI finds a REST API of a region.
//
// docs/platforms.md: "REST APIs are regional: in another region the id is unknown"
func (s *state) findAPI(region, id string) (*restAPI, error) {
	return found(s.Regions[region][id], "Invalid API identifier specified %s:%s", awsapi.Account, id)
}

// newAPI is an empty REST API.
func newAPI(id string, said restAPIInput, now time.Time) *restAPI {
	return &restAPI{described: described{said, id, now.Unix(), newID(10, "root", id)}, Stages: map[string]*stage{}}
}

// stage finds a stage by name.
func (a *restAPI) stage(name string) (*stage, error) {
	return found(a.Stages[name], "Invalid stage identifier specified")
}

// deployment finds a deployment by id, nil where there is none.
func (a *restAPI) deployment(id string) *deployment {
	return kit.Find(a.Deployments, func(d *deployment) bool { return d.ID == id })
}

// has refuses the id of a deployment that is not there.
//
// docs/platforms.md: "An unknown deployment id is a 400"
func (a *restAPI) has(deployment string) error {
	if a.deployment(deployment) == nil {
		return badRequest("Deployment id does not exist")
	}
	return nil
}

// deploy makes a new deployment.
func (a *restAPI) deploy(now time.Time, description string) *deployment {
	d := &deployment{Description: description, CreatedDate: now.Unix()}
	for d.ID == "" || a.deployment(d.ID) != nil {
		a.Made++
		d.ID = newID(6, "deployment", a.ID, strconv.Itoa(a.Made))
	}
	a.Deployments = append(a.Deployments, d)
	return d
}

// newStage is a stage as CreateStage leaves it.
func newStage(said stageInput, now time.Time) *stage {
	return &stage{
		stageInput: said, CacheClusterStatus: "NOT_AVAILABLE",
		MethodSettings: map[string]*methodSetting{}, CreatedDate: now.Unix(), LastUpdatedDate: now.Unix(),
	}
}

// touch records a change.
func (s *stage) touch(now time.Time) { s.LastUpdatedDate = now.Unix() }

// newID is an id like AWS's: n lower-case letters and digits, the first one a
// letter, the same for the same parts.
func newID(n int, parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part + "\x00"))
	}
	text := new(big.Int).SetBytes(hash.Sum(nil)).Text(36)
	return string('a'+rune(text[0])%26) + text[1:n]
}
