package googleapi

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// predicate says whether a resource, as plain JSON, is wanted.
type predicate func(fields any) bool

// tokens of the filter language of Google's AIP-160, as far as it is spoken here.
var filterToken = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\s*(\(|\)|!=|=|:|"(?:[^"\\]|\\.)*"|[A-Za-z0-9_.*/-]+)`)
})

// filter is a filter on its way through the parser.
type filter struct {
	text   string
	tokens []string
}

// parseFilter reads comparisons (= != :) joined by AND, OR and NOT, with
// parentheses. "" wants everything.
func parseFilter(text string) (predicate, error) {
	f := &filter{text: text}
	for rest := text; strings.TrimSpace(rest) != ""; {
		m := filterToken().FindStringSubmatchIndex(rest)
		if m == nil || m[0] != 0 {
			return nil, f.wrong()
		}
		f.tokens = append(f.tokens, rest[m[2]:m[3]])
		rest = rest[m[1]:]
	}
	if len(f.tokens) == 0 {
		return func(any) bool { return true }, nil
	}
	want, err := f.conjunction()
	if err == nil && len(f.tokens) > 0 {
		err = f.wrong()
	}
	return want, err
}

func (f *filter) wrong() error { return Invalid("Invalid filter: %q", f.text) }

func (f *filter) peek() string {
	if len(f.tokens) == 0 {
		return ""
	}
	return f.tokens[0]
}

func (f *filter) take() string {
	t := f.peek()
	if t != "" {
		f.tokens = f.tokens[1:]
	}
	return t
}

// conjunction is disjunctions joined by AND: in AIP-160, OR binds closer.
func (f *filter) conjunction() (predicate, error) {
	return f.joined("AND", f.disjunction, func(a, b bool) bool { return a && b })
}

func (f *filter) disjunction() (predicate, error) {
	return f.joined("OR", f.term, func(a, b bool) bool { return a || b })
}

func (f *filter) joined(word string, part func() (predicate, error), join func(a, b bool) bool) (predicate, error) {
	left, err := part()
	for err == nil && f.peek() == word {
		f.take()
		var right predicate
		before := left
		if right, err = part(); err == nil {
			left = func(fields any) bool { return join(before(fields), right(fields)) }
		}
	}
	return left, err
}

func (f *filter) term() (predicate, error) {
	switch f.peek() {
	case "NOT":
		f.take()
		inner, err := f.term()
		return func(fields any) bool { return !inner(fields) }, err
	case "(":
		f.take()
		inner, err := f.conjunction()
		if err == nil && f.take() != ")" {
			err = f.wrong()
		}
		return inner, err
	}
	return f.comparison()
}

func (f *filter) comparison() (predicate, error) {
	field, operator, value := f.take(), f.take(), f.take()
	if field == "" || value == "" || strings.ContainsAny(field, `()"`) || value == ")" {
		return nil, f.wrong()
	}
	value = strings.Trim(value, `"`)
	path := strings.Split(field, ".")
	has := func(fields any) bool { return slices.Contains(valuesAt(fields, path), value) }
	switch operator {
	case "=", ":":
		return has, nil
	case "!=":
		return func(fields any) bool { return !has(fields) }, nil
	default:
		return nil, f.wrong()
	}
}
