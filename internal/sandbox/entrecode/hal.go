package entrecode

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/sandbox/kit"
)

// object is a JSON object.
type object map[string]any

// link is a HAL link. Some of the platform's templates say that they are
// templated, some do not.
func link(href string) object {
	return object{"href": href, "profile": "https://entrecode.de/schema/" + token(href)}
}

func template(href string) object { return object{"href": href, "templated": true} }

// oneOrMany is a list as the platform writes it.
//
// docs/platforms.md: "A HAL list with one element may embed an object instead of an array"
func oneOrMany(list []object) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// looseID is an id as the platform writes it: a number, or now and then a
// string.
//
// docs/platforms.md: "ids are numbers or strings"
func looseID(id int) any {
	if id%3 == 0 {
		return strconv.Itoa(id)
	}
	return id
}

// stamp is a time in the documented format.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// looseStamp is a time as events have it.
//
// docs/platforms.md: "timestamp (looser formats than RFC 3339 are seen)"
func looseStamp(t time.Time, variety int) string {
	t = t.UTC()
	switch variety % 4 {
	case 0:
		return t.Format("2006-01-02T15:04:05.999-07:00")
	case 1:
		return t.Format("2006-01-02 15:04:05.999-07")
	case 2:
		return t.Format("2006-01-02T15:04:05.999")
	default:
		return stamp(t)
	}
}

// problem is an error as the platform answers it. Its code is 3xxx, the App Manager's.
func problem(status, code int, title, detail, verbose string) error {
	return &kit.Error{Status: status, Name: strconv.Itoa(code), Message: title, Fields: map[string]string{"detail": detail, "verbose": verbose}}
}

// docs/platforms.md: "Errors are `application/problem+json`: status, code, title, type, detail, verbose."
func writeProblem(w http.ResponseWriter, err error) {
	p := kit.ErrorOf(err, "3000")
	kind := "https://entrecode.de/doc/errors/" + p.Name
	body := object{
		"status": p.Status, "code": json.Number(p.Name), "title": p.Message, "type": kind,
		"_links": object{
			"up":          object{"title": "App Manager Home Page", "href": "https://doc.entrecode.de/app_manager/"},
			"describedby": object{"title": "Error Description", "href": kind},
		},
	}
	for name, text := range p.Fields {
		if text != "" {
			body[name] = text
		}
	}
	kit.WriteJSON(w, p.Status, "application/problem+json", body)
}

// notFound is a resource that does not exist, here at least.
func notFound(r *http.Request) error {
	return problem(http.StatusNotFound, 3100, "Resource not found", "", "nothing is there, or the sandbox does not serve "+r.Method+" "+r.URL.Path)
}

// noMatch is a filter that nothing matches.
func noMatch(property string) error {
	return problem(http.StatusNotFound, 3102, "No resource entity matching query string filter found", property, "")
}

// missing is a query parameter that must be there.
func missing(property string) error {
	return problem(http.StatusBadRequest, 3202, "Missing property in query string", property, "")
}

// byToken is no order that a client could rely on.
//
// docs/platforms.md: "Lists are paged and in no particular order."
func byToken[T any](id func(T) int) func(a, b T) int {
	return func(a, b T) int {
		return strings.Compare(token("order", strconv.Itoa(id(a))), token("order", strconv.Itoa(id(b))))
	}
}

// shuffled are those of all that are wanted, in no order that a client could rely on.
func shuffled[T any](all map[int]*T, wanted func(*T) bool) []*T {
	var found []*T
	for _, id := range slices.SortedFunc(maps.Keys(all), byToken(func(id int) int { return id })) {
		if wanted(all[id]) {
			found = append(found, all[id])
		}
	}
	return found
}
