package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"sluice/internal/sandbox/awsapi"
)

const functions = "/2015-03-31/functions/"

// mux routes the calls.
func (e *Emulator) mux() http.Handler {
	mux := http.NewServeMux()
	for pattern, op := range map[string]awsapi.Operation{
		"GET " + functions + "{fn}/configuration":   e.getConfiguration,
		"PUT " + functions + "{fn}/code":            e.updateCode,
		"GET " + functions + "{fn}/versions":        e.listVersions,
		"POST " + functions + "{fn}/versions":       e.publishVersion,
		"GET " + functions + "{fn}/aliases":         e.listAliases,
		"POST " + functions + "{fn}/aliases":        e.createAlias,
		"GET " + functions + "{fn}/aliases/{alias}": e.getAlias,
		"PUT " + functions + "{fn}/aliases/{alias}": e.updateAlias,

		"GET /2019-09-30/functions/{fn}/provisioned-concurrency":    e.getConcurrency,
		"PUT /2019-09-30/functions/{fn}/provisioned-concurrency":    e.putConcurrency,
		"DELETE /2019-09-30/functions/{fn}/provisioned-concurrency": e.deleteConcurrency,

		"/": awsapi.Unserved,
	} {
		mux.Handle(pattern, op)
	}
	return mux
}

// decode reads a request's JSON body; an empty one leaves into as it is.
func decode(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) == 0 {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return awsapi.Errorf(http.StatusBadRequest, "InvalidRequestContentException", "Could not parse request body into json: %v", err)
	}
	return nil
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
func page[T any](r *http.Request, all []T) (items []T, next *string, err error) {
	size, from := 50, 0
	if text := r.URL.Query().Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, nil, invalid("Invalid MaxItems: %s", text)
		}
		size = min(n, size)
	}
	if marker := r.URL.Query().Get("Marker"); marker != "" {
		if from, err = strconv.Atoi(marker); err != nil || from < 0 || from > len(all) {
			return nil, nil, invalid("Invalid Marker")
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		marker := strconv.Itoa(to)
		next = &marker
	}
	return append([]T{}, all[from:to]...), next, nil
}
