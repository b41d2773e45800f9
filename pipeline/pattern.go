package pipeline

import (
	"regexp"
	"sync"
)

// pattern is compiled once, when it is first used: a fleet's file asks for it
// ten thousand times, and a command that reads no file never.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// patterns are those of platforms, by their text, each compiled once a file.
type patterns map[string]*regexp.Regexp

// whole reports whether a text matches as a whole. What is no pattern is the
// platform's own mistake, which is not held against the file.
func (p patterns) whole(pattern, text string) bool {
	known, ok := p[pattern]
	if !ok {
		known, _ = regexp.Compile(`^(?:` + pattern + `)$`)
		p[pattern] = known
	}
	return known == nil || known.MatchString(text)
}

// The patterns of the file's values.
var (
	namePattern      = pattern(nameForm)
	notInNames       = pattern(`[^a-z0-9]+`)
	annotationName   = pattern(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	annotationPrefix = pattern(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	headerPattern    = pattern("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	daysPattern      = pattern(`^[0-9]{1,5}(\.[0-9]{1,5})?$`)
	teamPattern      = pattern(teamForm)
	loginPattern     = pattern(loginForm)
	bucketPattern    = pattern(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	branchPattern    = pattern(`^[^\x00-\x20\x7f~^:?*\[\\]+$`)
	decimalPattern   = pattern(`^(0|[1-9][0-9]{0,8})(\.[0-9]{1,20})?$`)
	shellVariable    = pattern(`\$(\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Z_][A-Z0-9_]*)`)
	wholePattern     = pattern(`^[1-9][0-9]{0,5}$`)
)
