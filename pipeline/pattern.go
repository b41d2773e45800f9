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

// The patterns of the file's values.
var (
	namePattern      = pattern(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	notInNames       = pattern(`[^a-z0-9]+`)
	annotationName   = pattern(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	annotationPrefix = pattern(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	headerPattern    = pattern("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	daysPattern      = pattern(`^[0-9]{1,5}(\.[0-9]{1,5})?$`)
	loginPattern     = pattern(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
	bucketPattern    = pattern(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	branchPattern    = pattern(`^[^\x00-\x20\x7f~^:?*\[\\]+$`)
	decimalPattern   = pattern(`^(0|[1-9][0-9]{0,8})(\.[0-9]{1,20})?$`)
	wholePattern     = pattern(`^[1-9][0-9]{0,5}$`)
)
