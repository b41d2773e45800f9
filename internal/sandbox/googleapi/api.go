package googleapi

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// Call is one request to a method of an API.
type Call struct {
	*http.Request
	// Name is that of the resource; of a collection, that of what it is below.
	Name string
	Body []byte
}

// Param is a query parameter's value, "" where it is not given.
func (c *Call) Param(name string) string { return c.URL.Query().Get(name) }

// Flag reports whether a query parameter is true. gcloud writes True.
func (c *Call) Flag(name string) bool { return Flag(c.Request, name) }

// Flag is [Call.Flag] of a request that nobody serves yet.
func Flag(r *http.Request, name string) bool {
	set, err := strconv.ParseBool(r.URL.Query().Get(name))
	return err == nil && set
}

// Fault is the emulator's own fault that spoils the call.
func (c *Call) Fault() sandbox.FaultKind { return sandbox.FaultOf(c.Request) }

// Decode reads the body into one of the API's types. What the type does not have is
// refused; an empty body leaves into as it is.
func (c *Call) Decode(into any) error {
	if err := Decode(c.Body, into); err != nil {
		return Invalid("%v", err)
	}
	return nil
}

// Serve answers a call, or refuses it with an [*kit.Error].
type Serve func(*Call) (any, error)

// Method is a method of an API: the query parameters that it has beside the standard
// ones, and what it does.
type Method struct {
	Query []string
	Serve Serve
}

// Methods are those of an API by HTTP method and path below Scope, with a * for each
// name: "GET deployments/*/revisions".
type Methods map[string]Method

// Service is an emulator of one of Google's services: what it keeps, a K for what a
// pipeline's targets name, and its API. An emulator embeds it, and has with it ServeHTTP
// and Env of [sandbox.Emulator] beside what [kit.Core] has.
type Service[S any, K comparable] struct {
	kit.Core[S, K]
	API

	// Step is how long a piece of work takes.
	Step time.Duration
}

// API serves an API's methods.
type API struct {
	// Endpoint is the service's name among gcloud's endpoint overrides: "CLOUDDEPLOY".
	Endpoint string
	// Prefix is the path before the resources' names, such as "/v1/".
	Prefix string
	// Scope is how every resource's name begins, with a * for each name.
	Scope string
	// Methods are what is served. The rest is refused with a plain sentence.
	Methods Methods
	// Admit refuses a call before its method is asked, and lets time pass; nil admits all.
	Admit func(*Call) error
	// Served is told when a method served a call, before it is answered; nil is nobody.
	Served func()
	// Reasons has refusals in the shape of Google's older APIs.
	Reasons bool
}

// Address reads a request's path as a key of [Methods] and a resource's name. It is false
// for a path that does not lead below the scope.
func (a *API) Address(r *http.Request) (key, name string, ok bool) {
	path, ok := strings.CutPrefix(r.URL.Path, a.Prefix)
	parts, scope := strings.Split(path, "/"), strings.Split(a.Scope, "/")
	if !ok || len(parts) <= len(scope) || slices.Contains(parts, "") {
		return "", "", false
	}
	for i, want := range scope {
		if want != "*" && want != parts[i] {
			return "", "", false
		}
	}
	end := &parts[len(parts)-1]
	var verb string
	*end, verb, _ = strings.Cut(*end, ":")
	pattern := slices.Clone(parts[len(scope):])
	for i := 1; i < len(pattern); i += 2 {
		pattern[i] = "*"
	}
	key = r.Method + " " + strings.Join(pattern, "/")
	if verb != "" {
		key += ":" + verb
	}
	if len(pattern)%2 == 1 && pattern[len(pattern)-1] != "*" && verb == "" {
		parts = parts[:len(parts)-1]
	}
	return key, strings.Join(parts, "/"), true
}

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := a.answer(r)
	if err != nil {
		a.WriteError(w, err)
		return
	}
	WriteJSON(w, http.StatusOK, answer)
}

func (a *API) answer(r *http.Request) (any, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, Invalid("%v", err)
	}
	key, name, ok := a.Address(r)
	method, served := a.Methods[key]
	if !ok || !served {
		return nil, kit.Errorf(http.StatusNotFound, "NOT_FOUND", "the sandbox does not serve %s %s", r.Method, r.URL.Path)
	}
	if err := CheckQuery(r, method.Query); err != nil {
		return nil, Invalid("%v", err)
	}
	c := &Call{Request: r, Name: name, Body: bytes.TrimSpace(body)}
	if a.Admit != nil {
		if err := a.Admit(c); err != nil {
			return nil, err
		}
	}
	answer, err := method.Serve(c)
	if err == nil && a.Served != nil {
		a.Served()
	}
	return answer, err
}

// resourceID is what ids consist of.
var resourceID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`) })

// IsID reports whether a text may be the last part of a resource's name.
func IsID(text string) bool { return resourceID().MatchString(text) }

// Find is the resource of a name among all.
func Find[R any](all map[string]*R, name string) (*R, error) {
	if r := all[name]; r != nil {
		return r, nil
	}
	return nil, NotFound(name)
}

// Get is the method that answers a resource, as shown. all is where they are kept.
func Get[R any](all *map[string]*R, shown func(*R) any) Serve {
	return func(c *Call) (any, error) {
		r, err := Find(*all, c.Name)
		if err != nil {
			return nil, err
		}
		return shown(r), nil
	}
}

// Env is what gcloud and Google's clients need to reach the API at base. gcloud wants the
// slash and is told to look for no credentials.
func (a *API) Env(base string) map[string]string {
	return map[string]string{
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_" + a.Endpoint: base + "/",
		"CLOUDSDK_AUTH_DISABLE_CREDENTIALS":             "true",
	}
}

// Example are places on a platform whose targets are named "PROJECT/LOCATION/NAME", by
// the pipeline file's keys: each such name is a stage's, and without the last part it has
// two stages, whose names end in -staging and in nothing.
func Example(names, keys []string, usual string) []sandbox.Example {
	config := func(parts ...string) any {
		c := map[string]string{}
		for i, key := range keys {
			c[key] = parts[i]
		}
		return c
	}
	return sandbox.PlacePerName(names, func(name string) any {
		if parts := strings.Split(name, "/"); len(parts) == len(keys) {
			return config(parts...)
		}
		return nil
	}, func(name string) []any {
		if parts := strings.Split(name, "/"); len(parts) == len(keys)-1 {
			return []any{config(append(parts, usual+"-staging")...), config(append(slices.Clone(parts), usual)...)}
		}
		return nil
	})
}
