package lambda

import (
	"net/http"
	"strings"
	"time"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

const functions = "/2015-03-31/functions/"

// call is a request about a function.
type call struct {
	*http.Request
	now      time.Time
	moves    *kit.Moves
	region   string
	function *function
}

func (c *call) address() address { return address{c.region, c.function.Name, c.PathValue("alias")} }

// call is a request about the function that its path names, which must be there.
func (e *Emulator) call(region string, r *http.Request) (*call, error) {
	f, err := e.State.function(region, r.PathValue("fn"))
	return &call{r, e.Now(), &e.Moves, region, f}, err
}

// taking is a call that reads a body of its own type.
func taking[In any](e *Emulator, status int, serve func(*call, *In) (any, error)) awsapi.Operation {
	return awsapi.Taking(status, func(err error) error {
		return awsapi.Errorf(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: %v", err)
	}, e.call, serve)
}

// routes serve the calls.
func (e *Emulator) routes() http.Handler {
	const ok = http.StatusOK
	const concurrency = "/2019-09-30/functions/{fn}/provisioned-concurrency"
	on := func(status int, serve func(*call) (any, error)) awsapi.Operation {
		return awsapi.On(status, e.call, serve)
	}
	return awsapi.Routes(map[string]awsapi.Operation{
		"GET " + functions + "{fn}/configuration":   on(ok, getConfiguration),
		"PUT " + functions + "{fn}/code":            taking(e, ok, updateCode),
		"GET " + functions + "{fn}/versions":        on(ok, listVersions),
		"POST " + functions + "{fn}/versions":       taking(e, http.StatusCreated, publishVersion),
		"GET " + functions + "{fn}/aliases":         on(ok, listAliases),
		"POST " + functions + "{fn}/aliases":        taking(e, http.StatusCreated, createAlias),
		"GET " + functions + "{fn}/aliases/{alias}": on(ok, getAlias),
		"PUT " + functions + "{fn}/aliases/{alias}": taking(e, ok, updateAlias),
		"GET " + concurrency:                        on(ok, getConcurrency),
		"PUT " + concurrency:                        taking(e, http.StatusAccepted, putConcurrency),
		"DELETE " + concurrency:                     on(http.StatusNoContent, deleteConcurrency),
	})
}

// splitPath tells the function of a request's path from what comes after it.
func splitPath(path string) (fn, rest string) {
	_, after, _ := strings.Cut(path, "/functions/")
	fn, rest, _ = strings.Cut(after, "/")
	return fn, rest
}

// action is what IAM calls a request.
func action(method, rest string) string {
	collection, name, _ := strings.Cut(rest, "/")
	switch {
	case collection == "aliases" && method == http.MethodPut:
		return "UpdateAlias"
	case collection == "aliases" && method == http.MethodPost:
		return "CreateAlias"
	case collection == "aliases" && name == "":
		return "ListAliases"
	case collection == "aliases":
		return "GetAlias"
	case collection == "versions" && method == http.MethodPost:
		return "PublishVersion"
	case collection == "versions":
		return "ListVersionsByFunction"
	case collection == "code":
		return "UpdateFunctionCode"
	case collection == "provisioned-concurrency":
		return "GetProvisionedConcurrencyConfig"
	default:
		return "GetFunctionConfiguration"
	}
}

// page cuts the page that a request asks for (Marker, MaxItems) out of all, 50 at
// most, and names the one after it.
func page[T any](c *call, all []T) (items []T, next *string, err error) {
	query := c.URL.Query()
	size, ok := kit.Number(query.Get("MaxItems"), 50, 1)
	if !ok {
		return nil, nil, invalid("Invalid MaxItems: %s", query.Get("MaxItems"))
	}
	from, ok := kit.Number(query.Get("Marker"), 0, 0)
	if !ok || from > len(all) {
		return nil, nil, invalid("Invalid Marker")
	}
	items, to := kit.Page(all, from, min(size, 50))
	if to > 0 {
		marker := kit.Token(to)
		next = &marker
	}
	return append([]T{}, items...), next, nil
}
