package google

import (
	"context"
	"encoding/json"
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

// List reads a list to its end: what stands under kind on each of its pages, in the
// platform's order.
func List[T any](ctx context.Context, c *Client, path, kind string) ([]T, error) {
	var all []T
	var pages Pages
	query := url.Values{"pageSize": {"100"}}
	for {
		raw, err := c.GetQuery(ctx, path, query)
		if err != nil {
			return nil, err
		}
		page := read[Fields](raw)
		var elements []T
		if page.Has(kind) {
			if err := json.Unmarshal(page[kind], &elements); err != nil {
				return nil, NoAnswer("the list of "+kind, "%w", err)
			}
		}
		all = append(all, elements...)
		token := page.Text("nextPageToken")
		if token == "" {
			return all, nil
		}
		if err := pages.Turn(token); err != nil {
			return nil, err
		}
		query.Set("pageToken", token)
	}
}
