package lambda

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

// state is everything the emulator keeps, in the shape of its file.
type state struct {
	Regions awsapi.Regional[function] `json:"regions"`
}

func newState() state { return state{Regions: awsapi.Regional[function]{}} }

// address names one alias.
type address struct{ region, function, alias string }

// latest is the name of the version that is not published.
const latest = "$LATEST"

// function is a function with its versions and aliases.
type function struct {
	Name     string                  `json:"name"`
	Region   string                  `json:"region"`
	Latest   version                 `json:"latest"`   // $LATEST
	Versions []*version              `json:"versions"` // published ones, oldest first
	Aliases  map[string]*alias       `json:"aliases"`
	Warm     map[string]*concurrency `json:"warm,omitempty"` // provisioned concurrency by alias
	Made     int                     `json:"made"`           // versions ever published: numbers are not used again
}

// version is a function's configuration as on the wire.
type version struct {
	FunctionName     string `json:"FunctionName"`
	FunctionArn      string `json:"FunctionArn"`
	Version          string `json:"Version"`
	CodeSha256       string `json:"CodeSha256"`
	CodeSize         int    `json:"CodeSize"`
	Description      string `json:"Description"`
	Handler          string `json:"Handler"`
	LastModified     string `json:"LastModified"`
	LastUpdateStatus string `json:"LastUpdateStatus"`
	MemorySize       int    `json:"MemorySize"`
	PackageType      string `json:"PackageType"`
	RevisionID       string `json:"RevisionId"`
	Role             string `json:"Role"`
	Runtime          string `json:"Runtime"`
	State            string `json:"State"`
	Timeout          int    `json:"Timeout"`
}

// alias is an alias as on the wire.
type alias struct {
	AliasArn        string         `json:"AliasArn"`
	Name            string         `json:"Name"`
	FunctionVersion string         `json:"FunctionVersion"`
	Description     string         `json:"Description"`
	RevisionID      string         `json:"RevisionId"`
	RoutingConfig   *routingConfig `json:"RoutingConfig,omitempty"`
}

// routingConfig are an alias' weights.
type routingConfig struct {
	AdditionalVersionWeights map[string]float64 `json:"AdditionalVersionWeights"`
}

// concurrency is the provisioned concurrency of one alias.
type concurrency struct {
	Requested int       `json:"requested"`
	Old       string    `json:"old,omitempty"`   // the version that runs everything meanwhile
	WarmAt    time.Time `json:"warmAt,omitzero"` // when the new one is warm
	Cold      bool      `json:"cold,omitempty"`  // it never gets warm
}

func arn(region, function string) string {
	return "arn:aws:lambda:" + region + ":" + awsapi.Account + ":function:" + function
}

// function finds a function of a region. One that a pipeline declares without a
// region is in every one.
func (s state) function(region, name string) (*function, error) {
	for _, r := range []string{region, ""} {
		if f, ok := s.Regions[r][name]; ok {
			return f, nil
		}
	}
	return nil, notFound("Function not found: %s", arn(region, name))
}

// newFunction has code, and nothing published.
func newFunction(region, name, code string, now time.Time) *function {
	f := &function{Name: name, Region: region, Aliases: map[string]*alias{}, Warm: map[string]*concurrency{}}
	f.Latest = version{
		FunctionName: name, FunctionArn: arn(region, name), Version: latest, Handler: "index.handler", LastUpdateStatus: "Successful",
		MemorySize: 128, PackageType: "Zip", Role: "arn:aws:iam::" + awsapi.Account + ":role/" + name, Runtime: "nodejs22.x", State: "Active", Timeout: 3,
	}
	f.upload(code, now)
	return f
}

// upload replaces the code of $LATEST.
func (f *function) upload(code string, now time.Time) {
	sum := sha256.Sum256([]byte(code))
	f.Latest.CodeSha256, f.Latest.CodeSize = base64.StdEncoding.EncodeToString(sum[:]), len(code)
	f.Latest.LastModified, f.Latest.RevisionID = clock(now), uuid.NewString()
}

// publish makes a version of $LATEST.
//
// docs/platforms.md: "publishing what has not changed since the last version answers that version"
func (f *function) publish(description string, now time.Time) *version {
	if n := len(f.Versions); n > 0 && f.Versions[n-1].CodeSha256 == f.Latest.CodeSha256 {
		return f.Versions[n-1]
	}
	f.Made++
	v := f.Latest
	v.Version, v.Description, v.LastModified = strconv.Itoa(f.Made), description, clock(now)
	v.FunctionArn = f.Latest.FunctionArn + ":" + v.Version
	f.Versions = append(f.Versions, &v)
	return &v
}

// version finds a published version, or $LATEST.
//
// docs/platforms.md: "missing version: 404 "Function not found: …:10""
func (f *function) version(name string) (*version, error) {
	if name == latest {
		return &f.Latest, nil
	}
	if v := kit.Find(f.Versions, func(v *version) bool { return v.Version == name }); v != nil {
		return v, nil
	}
	return nil, notFound("Function not found: %s:%s", f.Latest.FunctionArn, name)
}

// alias finds an alias.
//
// docs/platforms.md: "Missing alias: GET 404 "Cannot find alias arn: …""
func (f *function) alias(at address) (*alias, error) {
	if a, ok := f.Aliases[at.alias]; ok {
		return a, nil
	}
	return nil, notFound("Cannot find alias arn: %s:%s", arn(at.region, f.Name), at.alias)
}

// touch records a change.
//
// docs/platforms.md: "`RevisionId` changes with every update"
func (a *alias) touch() { a.RevisionID = uuid.NewString() }

func clock(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

func notFound(format string, args ...any) error {
	return &kit.Error{
		Status: http.StatusNotFound, Name: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...), Fields: map[string]string{"Type": "User"},
	}
}

func invalid(format string, args ...any) error {
	return &kit.Error{
		Status: http.StatusBadRequest, Name: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...), Fields: map[string]string{"Type": "User"},
	}
}
