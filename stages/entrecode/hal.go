package entrecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/yosida95/uritemplate/v3"
)

// maxDepth is how deep embedded resources may nest. Real ones nest once.
const maxDepth = 8

// resource is a HAL resource: its properties undecoded, its links and its
// embedded resources by relation. A relation with one link or one resource may
// hold it without an array around; both read the same here.
type resource struct {
	url      *url.URL // where it was read: relative links start here
	fields   map[string]json.RawMessage
	links    map[string][]link
	embedded map[string][]*resource
}

// link is a HAL link. Whether it is a template shows in the address itself: the
// "templated" flag is missing from some of the platform's templates.
type link struct {
	Href string `json:"href"`
	Name string `json:"name"`
}

// parseResource reads a resource that came from base.
func parseResource(base *url.URL, data []byte) (*resource, error) {
	return parseNested(base, data, maxDepth)
}

func parseNested(base *url.URL, data []byte, depth int) (*resource, error) {
	if depth == 0 {
		return nil, errors.New("embedded resources nest too deep")
	}
	r := &resource{url: base}
	if err := json.Unmarshal(data, &r.fields); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if r.fields == nil {
		return nil, errors.New("not a JSON object: null")
	}
	var err error
	if r.links, err = parseLinks(r.fields["_links"]); err != nil {
		return nil, err
	}
	if r.embedded, err = parseEmbedded(base, r.fields["_embedded"], depth-1); err != nil {
		return nil, err
	}
	delete(r.fields, "_links")
	delete(r.fields, "_embedded")
	return r, nil
}

func parseLinks(data json.RawMessage) (map[string][]link, error) {
	raw, err := parseRelations(data)
	if err != nil {
		return nil, fmt.Errorf("_links: %w", err)
	}
	links := make(map[string][]link, len(raw))
	for rel, items := range raw {
		for _, item := range items {
			var l link
			if err := json.Unmarshal(item, &l); err != nil {
				return nil, fmt.Errorf("_links: %q: %w", rel, err)
			}
			links[rel] = append(links[rel], l)
		}
	}
	return links, nil
}

func parseEmbedded(base *url.URL, data json.RawMessage, depth int) (map[string][]*resource, error) {
	raw, err := parseRelations(data)
	if err != nil {
		return nil, fmt.Errorf("_embedded: %w", err)
	}
	embedded := make(map[string][]*resource, len(raw))
	for rel, items := range raw {
		for _, item := range items {
			r, err := parseNested(base, item, depth)
			if err != nil {
				return nil, fmt.Errorf("_embedded: %q: %w", rel, err)
			}
			embedded[rel] = append(embedded[rel], r)
		}
	}
	return embedded, nil
}

// parseRelations reads an object of relations, each with one value or an array
// of them; a null stands for none.
func parseRelations(data json.RawMessage) (map[string][]json.RawMessage, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var relations map[string]json.RawMessage
	if err := json.Unmarshal(data, &relations); err != nil {
		return nil, err
	}
	lists := make(map[string][]json.RawMessage, len(relations))
	for rel, value := range relations {
		list := []json.RawMessage{value}
		if bytes.HasPrefix(value, []byte("[")) {
			if err := json.Unmarshal(value, &list); err != nil {
				return nil, err
			}
		}
		lists[rel] = slices.DeleteFunc(list, func(m json.RawMessage) bool { return string(m) == "null" })
	}
	return lists, nil
}

// id is the property key as an id, "" where it is missing.
func (r *resource) id(key string) string { return looseID(r.fields[key]) }

// related are the links of a relation. A relation may be written short
// ("ec:app") or as the address that the resource's CURIEs make of it.
func (r *resource) related(rel string) []link { return r.links[r.name(rel, keysOf(r.links))] }

// items are the embedded resources of a relation.
func (r *resource) items(rel string) []*resource {
	return r.embedded[r.name(rel, keysOf(r.embedded))]
}

// one is the first link of a relation.
func (r *resource) one(rel string) (link, bool) {
	links := r.related(rel)
	if len(links) == 0 || links[0].Href == "" {
		return link{}, false
	}
	return links[0], true
}

// name is how rel is written among the given names.
func (r *resource) name(rel string, names []string) string {
	if slices.Contains(names, rel) {
		return rel
	}
	prefix, rest, _ := strings.Cut(rel, ":")
	for _, curie := range r.links["curies"] {
		if curie.Name != "" && curie.Name != prefix {
			continue
		}
		full := strings.ReplaceAll(curie.Href, "{rel}", rest)
		if slices.Contains(names, full) {
			return full
		}
	}
	return rel
}

func keysOf[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	return names
}

// names reports whether the link is a template that names the variable.
func (l link) names(variable string) bool {
	t, err := uritemplate.New(l.Href)
	return err == nil && slices.Contains(t.Varnames(), variable)
}

// address is where the link of r leads with the values that its template
// names; others are left out.
func (r *resource) address(l link, values map[string][]string) (*url.URL, error) {
	t, err := uritemplate.New(l.Href)
	if err != nil {
		return nil, fmt.Errorf("link %q is not a URI template: %w", l.Href, err)
	}
	vars := uritemplate.Values{}
	for name, list := range values {
		if len(list) == 1 {
			vars.Set(name, uritemplate.String(list[0]))
		} else {
			vars.Set(name, uritemplate.List(list...))
		}
	}
	href, err := t.Expand(vars)
	if err != nil {
		return nil, fmt.Errorf("link %q: %w", l.Href, err)
	}
	u, err := url.Parse(href)
	if err != nil {
		return nil, fmt.Errorf("link %q is not an address: %w", l.Href, err)
	}
	return r.url.ResolveReference(u), nil
}
