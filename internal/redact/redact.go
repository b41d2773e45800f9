// Package redact knows the credentials of this process and takes them out of
// text. The set grows while the process runs: what a profile, an exchange or an
// instance hands out is known when it is handed out.
package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// MinLength is the length in bytes from which a value is taken for a
// credential. Shorter ones would blank text without hiding anything: "test" is
// what people set where a client wants a credential and its server does not.
const MinLength = 6

// Mark stands where a credential was.
const Mark = "***"

// Set is the credentials that are known. The zero value is empty and ready. It
// is safe for concurrent use.
type Set struct {
	mu       sync.RWMutex
	forms    []string // longest first, so that a credential within another leaves no rest
	sorted   int      // how many forms the replacer takes out
	replacer *strings.Replacer
	cut      []string // the same forms: what is left of one of them that was cut is taken out
}

// Add makes values known, without the white space around them. A value of
// several lines is known as a whole and line by line. It returns the lines that
// were not known yet, for whoever masks line by line.
func (s *Set) Add(values ...string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fresh []string
	for _, value := range values {
		value = strings.TrimSpace(value)
		for line := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == '\n' || c == '\r' }) {
			if line = strings.TrimSpace(line); s.know(line) {
				fresh = append(fresh, line)
			}
		}
		s.know(value)
	}
	s.sort()
	return fresh
}

// know adds one value in all its forms, and reports whether it is new. What is
// known is taken out once it is sorted.
func (s *Set) know(value string) bool {
	if len(value) < MinLength || slices.Contains(s.forms, value) {
		return false
	}
	for _, form := range forms(value) {
		if !slices.Contains(s.forms, form) {
			s.forms = append(s.forms, form)
		}
	}
	return true
}

// sort puts the longest forms first and takes out what is known from now on.
func (s *Set) sort() {
	if len(s.forms) == s.sorted {
		return
	}
	s.sorted = len(s.forms)
	slices.SortStableFunc(s.forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(s.forms))
	for _, form := range s.forms {
		pairs = append(pairs, form, Mark)
	}
	s.replacer, s.cut = strings.NewReplacer(pairs...), slices.Clone(s.forms)
}

// Text is text without what is known. Where it was shortened within a credential, which
// [Cut] marks, what is left of that is taken out, too.
func (s *Set) Text(text string) string {
	s.mu.RLock()
	replacer, forms := s.replacer, s.cut
	s.mu.RUnlock()
	if replacer == nil {
		return text
	}
	text = replacer.Replace(text)
	if !strings.Contains(text, Cut) {
		return text
	}
	parts := strings.Split(text, Cut)
	for i := range parts {
		if i > 0 {
			parts[i] = withoutEnd(parts[i], forms)
		}
		if i < len(parts)-1 {
			parts[i] = withoutBeginning(parts[i], forms)
		}
	}
	return strings.Join(parts, Cut)
}

// Cut marks where text was left out: whoever shortens text writes it at that very place.
const Cut = "…"

// withoutBeginning is text, after which some was left out, with a mark in place of the
// beginning of a credential that it ends with.
func withoutBeginning(text string, forms []string) string {
	n := most(text, forms, func(form string, n int) bool { return strings.HasSuffix(text, form[:n]) })
	if n == 0 {
		return text
	}
	return text[:len(text)-n] + Mark
}

// withoutEnd is text, before which some was left out, with a mark in place of the end of
// a credential that it begins with.
func withoutEnd(text string, forms []string) string {
	rest := strings.TrimLeft(text, "\n")
	n := most(rest, forms, func(form string, n int) bool { return strings.HasPrefix(rest, form[len(form)-n:]) })
	if n == 0 {
		return text
	}
	return text[:len(text)-len(rest)] + Mark + rest[n:]
}

// most is how many bytes of a form, in a row, a text has by what has says, where they tell
// anything; else 0.
func most(text string, forms []string, has func(form string, n int) bool) int {
	found := 0
	for _, form := range forms {
		for n := min(len(form), len(text)); n >= MinLength && n > found; n-- {
			if has(form, n) {
				found = n
			}
		}
	}
	return found
}

// forms are the ways in which a value appears in text: as it is, within JSON and within
// JSON that is quoted again, in HTML, in each part of an address, and in base64, where it
// may begin at any of three places.
func forms(value string) []string {
	list := []string{value, html.EscapeString(value), url.QueryEscape(value), url.PathEscape(value), strings.TrimSuffix(url.User(value).String(), "@")}
	for _, escapes := range []bool{true, false} {
		list = append(list, inJSON(value, escapes), inJSON(inJSON(value, escapes), false))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			list = append(list, inBase64(encoding, value, shift))
		}
	}
	return slices.DeleteFunc(list, func(form string) bool { return len(form) < MinLength })
}

// inJSON is value between the quotes of a JSON string.
func inJSON(value string, escapes bool) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapes)
	if encoder.Encode(value) != nil {
		return value // strings are always encoded
	}
	return strings.Trim(b.String(), "\n")[1 : b.Len()-2]
}

// inBase64 is what is the same in every encoding of a text that has value after
// shift bytes, modulo three.
func inBase64(encoding *base64.Encoding, value string, shift int) string {
	bits := 8 * (shift + len(value))
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + value))
	return encoded[(8*shift+5)/6 : bits/6]
}
