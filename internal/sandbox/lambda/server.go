package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"sluice/internal/sandbox/awsapi"
	"sluice/internal/sandbox/kit"
)

const functions = "/2015-03-31/functions/"

// call is a request about a function.
type call struct {
	*http.Request
	region   string
	function *function
}

func (c *call) address() address { return address{c.region, c.function.Name, c.PathValue("alias")} }

// on is a call on a function that must be there, and that reads a body of its own type;
// an empty one says nothing.
func on[In any](e *Emulator, status int, serve func(*call, *In) (any, error)) awsapi.Operation {
	return func(region string, r *http.Request) (int, any, error) {
		f, err := e.State.function(region, r.PathValue("fn"))
		if err != nil {
			return 0, nil, err
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return 0, nil, err
		}
		in := new(In)
		if len(body) > 0 {
			err = json.Unmarshal(body, in)
		}
		if err != nil {
			return 0, nil, awsapi.Errorf(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: %v", err)
		}
		answer, err := serve(&call{r, region, f}, in)
		return status, answer, err
	}
}

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	const ok = http.StatusOK
	const concurrency = "/2019-09-30/functions/{fn}/provisioned-concurrency"
	mux := http.NewServeMux()
	for pattern, op := range map[string]awsapi.Operation{
		"GET " + functions + "{fn}/configuration":   on(e, ok, e.getConfiguration),
		"PUT " + functions + "{fn}/code":            on(e, ok, e.updateCode),
		"GET " + functions + "{fn}/versions":        on(e, ok, e.listVersions),
		"POST " + functions + "{fn}/versions":       on(e, http.StatusCreated, e.publishVersion),
		"GET " + functions + "{fn}/aliases":         on(e, ok, e.listAliases),
		"POST " + functions + "{fn}/aliases":        on(e, http.StatusCreated, e.createAlias),
		"GET " + functions + "{fn}/aliases/{alias}": on(e, ok, e.getAlias),
		"PUT " + functions + "{fn}/aliases/{alias}": on(e, ok, e.updateAlias),
		"GET " + concurrency:                        on(e, ok, e.getConcurrency),
		"PUT " + concurrency:                        on(e, http.StatusAccepted, e.putConcurrency),
		"DELETE " + concurrency:                     on(e, http.StatusNoContent, e.deleteConcurrency),
		"/":                                         awsapi.Unserved,
	} {
		mux.Handle(pattern, op)
	}
	return mux
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
