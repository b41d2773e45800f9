package clouddeploy

import (
	"net/http"

	"sluice/internal/sandbox/googleapi"
	"sluice/internal/sandbox/kit"
)

// collection is a collection of the API, with the rules of what is in it.
type collection[R any] struct {
	kind string // Google's name of the type: "Rollout"
	path string // below the location
	kept *map[string]*R

	id     string                                           // the query parameter that names a new one
	query  []string                                         // the parameters of making one beside it
	create func(m moment, c *call, name string, r *R) error // completes a new one, or refuses it; nil where none is made

	changeable []string                // the fields that can be changed; none where nothing can
	changed    func(m moment, next *R) // completes one that was changed
	etag       func(*R) string
}

// filled is how a resource is made that nothing refuses.
func filled[R any](fill func(m moment, r *R, name string)) func(moment, *call, string, *R) error {
	return func(m moment, _ *call, name string, r *R) error {
		fill(m, r, name)
		return nil
	}
}

// serve adds the methods of a collection: read one, list them, make one, change one.
func serve[R any](e *Emulator, all googleapi.Methods, of collection[R]) {
	list := googleapi.List(of.kept, kit.Last(of.path), &e.Pages, kit.Whole)
	all["GET "+of.path+"/*"] = googleapi.Method{Serve: googleapi.Get(of.kept, kit.Whole)}
	all["GET "+of.path] = googleapi.Method{Query: []string{"filter", "orderBy", "pageSize", "pageToken"}, Serve: func(c *call) (any, error) {
		if err := e.State.parentExists(c.Name); err != nil {
			return nil, err
		}
		return list(c)
	}}
	if of.create != nil {
		all["POST "+of.path] = googleapi.Method{Query: append(of.query, of.id, "requestId", "validateOnly"), Serve: once(e, of.make)}
	}
	if len(of.changeable) > 0 {
		all["PATCH "+of.path+"/*"] = googleapi.Method{Query: []string{"updateMask", "requestId", "validateOnly", "allowMissing"}, Serve: once(e, of.change)}
	}
}

// make makes a resource that the request names.
func (of collection[R]) make(m moment, c *call, r *R) (any, error) {
	name := c.Name + "/" + kit.Last(of.path) + "/" + c.Param(of.id)
	switch {
	case !googleapi.IsID(c.Param(of.id)):
		return nil, googleapi.Invalid("Invalid %s %q: must match [a-z]([a-z0-9-]{0,61}[a-z0-9])?", of.id, c.Param(of.id))
	case (*of.kept)[name] != nil:
		return nil, googleapi.Exists(name)
	}
	return of.makeNamed(m, c, name, r)
}

func (of collection[R]) makeNamed(m moment, c *call, name string, r *R) (any, error) {
	if err := of.create(m, c, name, r); err != nil {
		return nil, err
	}
	return keep(m, c, of, change{name, "create"}, r)
}

// change changes the fields of the mask, and makes what is missing where the request
// allows it.
func (of collection[R]) change(m moment, c *call, want *R) (any, error) {
	have, err := googleapi.Find(*of.kept, c.Name)
	sent := of.etag(want)
	switch {
	case err != nil && !c.Flag("allowMissing"):
		return nil, err
	case err != nil:
		return of.makeNamed(m, c, c.Name, want)
	case sent != "" && sent != of.etag(have):
		return nil, kit.Errorf(http.StatusConflict, "ABORTED", "The etag does not match the current etag of %s", c.Name)
	}
	next, err := googleapi.Masked(have, want, c.Param("updateMask"), of.changeable)
	if err != nil {
		return nil, err
	}
	of.changed(m, next)
	return keep(m, c, of, change{c.Name, "update"}, next)
}

// parentExists refuses a list under something that is not there.
func (s *state) parentExists(name string) error {
	if kit.Last(name) == "-" {
		name = parent(name)
	}
	if name == locationOf(name) || s.Pipelines[name] != nil || s.Releases[name] != nil || s.Rollouts[name] != nil {
		return nil
	}
	return googleapi.NotFound(name)
}
