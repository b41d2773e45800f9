package google

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/url"
	"slices"
)

// mostPages bounds what is read of one list: with the page sizes that the drivers
// ask for, some ten thousand elements at least.
const mostPages = 200

// Pages are the pages of one list that were read so far. The zero value is ready
// to use.
type Pages struct{ tokens []string }

// Turn takes the token of the next page, "" for none. A page that was there
// before, or one too many, is an [AnswerError]: the list would never end.
func (p *Pages) Turn(token string) error {
	if token == "" {
		return nil
	}
	if slices.Contains(p.tokens, token) {
		return NoAnswer("a list", "its pages go round in a circle: page %q comes again", token)
	}
	if p.tokens = append(p.tokens, token); len(p.tokens) >= mostPages {
		return NoAnswer("a list", "it has more than %d pages", mostPages)
	}
	return nil
}

// Page is one page of a list.
type Page[T any] struct {
	Elements []T    // in the platform's order
	Next     string // the token of the page after it, "" for none
}

// ReadPage reads one page of a list: what stands under kind, which query asks for.
func ReadPage[T any](ctx context.Context, c *Client, path, kind string, query url.Values) (Page[T], error) {
	raw, err := c.GetQuery(ctx, path, query)
	if err != nil {
		return Page[T]{}, err
	}
	fields := read[Fields](raw)
	page := Page[T]{Next: fields.Text("nextPageToken")}
	if text, ok := fields[kind]; ok {
		if err := json.Unmarshal(text, &page.Elements); err != nil {
			return Page[T]{}, NoAnswer("the list of "+kind, "%w", err)
		}
	}
	return page, nil
}

// EachPage reads a list to its end, a page at a time. An error ends it. query is
// what the list is asked for; nil for nothing.
func EachPage[T any](ctx context.Context, c *Client, path, kind string, query url.Values) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		asked := url.Values{}
		maps.Copy(asked, query)
		var pages Pages
		for {
			page, err := ReadPage[T](ctx, c, path, kind, asked)
			if err == nil && !yield(page.Elements, nil) || err == nil && page.Next == "" {
				return
			}
			if err == nil {
				err = pages.Turn(page.Next)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			asked.Set("pageToken", page.Next)
		}
	}
}

// List reads a list to its end: what stands under kind on each of its pages, in the
// platform's order.
func List[T any](ctx context.Context, c *Client, path, kind string) ([]T, error) {
	var all []T
	for elements, err := range EachPage[T](ctx, c, path, kind, url.Values{"pageSize": {"100"}}) {
		if err != nil {
			return nil, err
		}
		all = append(all, elements...)
	}
	return all, nil
}
