package draft

import "strings"

// longestName is how many characters a name of the pipeline file may have.
const longestName = 63

// Name makes a name of the pipeline file out of any text; "pipeline" where nothing of
// it is left.
func Name(text string) string { return first(near(text), "pipeline") }

// near makes a name of the pipeline file out of any text: lower-case letters, digits
// and single hyphens, a letter first. "" where nothing is left.
func near(text string) string {
	var b strings.Builder
	hyphen := false
	for _, c := range strings.ToLower(text) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (c < '0' || c > '9' || b.Len() == 0) {
			hyphen = b.Len() > 0
			continue
		}
		if hyphen {
			b.WriteByte('-')
			hyphen = false
		}
		b.WriteRune(c)
	}
	name := b.String()
	return strings.TrimRight(name[:min(len(name), longestName)], "-")
}
