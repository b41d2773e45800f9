package lambda

import (
	"cmp"
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

// Decode implements kit.Call.
func (c *call) Decode(into any) error {
	return awsapi.Decode(c.Request, into, "InvalidRequestContentException", "Could not parse request body into json: %v")
}

// routes serve the calls.
func (e *Emulator) routes() http.Handler {
	const concurrency = "/2019-09-30/functions/{fn}/provisioned-concurrency"
	ok, created := kit.Answering[*call](http.StatusOK), kit.Answering[*call](http.StatusCreated)
	accepted, noContent := kit.Answering[*call](http.StatusAccepted), kit.Answering[*call](http.StatusNoContent)
	return awsapi.Routes(map[string]kit.Operation[*call]{
		"GET " + functions + "{fn}/configuration":   ok(getConfiguration),
		"PUT " + functions + "{fn}/code":            ok(kit.Taking(updateCode)),
		"GET " + functions + "{fn}/versions":        ok(listVersions),
		"POST " + functions + "{fn}/versions":       created(kit.Taking(publishVersion)),
		"GET " + functions + "{fn}/aliases":         ok(listAliases),
		"POST " + functions + "{fn}/aliases":        created(kit.Taking(createAlias)),
		"GET " + functions + "{fn}/aliases/{alias}": ok(kit.On((*call).alias, getAlias)),
		"PUT " + functions + "{fn}/aliases/{alias}": ok(kit.Taking(updateAlias)),
		"GET " + concurrency:                        ok(kit.On((*call).qualified, getConcurrency)),
		"PUT " + concurrency:                        accepted(kit.Changing((*call).qualified, putConcurrency)),
		"DELETE " + concurrency:                     noContent(kit.On((*call).qualified, deleteConcurrency)),
	}, e.call)
}

// splitPath tells the function of a request's path from what comes after it.
func splitPath(path string) (fn, rest string) {
	_, after, _ := strings.Cut(path, "/functions/")
	fn, rest, _ = strings.Cut(after, "/")
	return fn, rest
}

// action is what IAM calls a request.
func action(method, rest string) string {
	collection, _, one := strings.Cut(rest, "/")
	if one {
		collection += "/"
	}
	return cmp.Or(map[string]string{
		"GET aliases":                    "ListAliases",
		"POST aliases":                   "CreateAlias",
		"GET aliases/":                   "GetAlias",
		"PUT aliases/":                   "UpdateAlias",
		"GET versions":                   "ListVersionsByFunction",
		"POST versions":                  "PublishVersion",
		"PUT code":                       "UpdateFunctionCode",
		"GET provisioned-concurrency":    "GetProvisionedConcurrencyConfig",
		"PUT provisioned-concurrency":    "PutProvisionedConcurrencyConfig",
		"DELETE provisioned-concurrency": "DeleteProvisionedConcurrencyConfig",
	}[method+" "+collection], "GetFunctionConfiguration")
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
