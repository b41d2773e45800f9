package google

import "slices"

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
