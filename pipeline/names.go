package pipeline

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckName refuses what is not a name of a pipeline, stage, target, component
// or policy, and says what would be one.
func CheckName(name string) error {
	if namePattern().MatchString(name) {
		return nil
	}
	hint := ""
	if near := nearName(name); near != "" {
		hint = fmt.Sprintf("; for example %q", near)
	}
	return fmt.Errorf("%s is not a name: use 1 to 63 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen%s", quote(name), hint)
}

// nearName makes a name out of something similar, "" where that is hopeless.
func nearName(s string) string {
	lower := notInNames().ReplaceAllString(strings.ToLower(s), "-")
	lower = strings.TrimLeft(lower, "-0123456789")
	lower = strings.TrimRight(lower[:min(len(lower), 63)], "-")
	return lower
}

// name is the key's name, reported where it is none.
func (m mapping) name(key string) At[string] {
	n := m.node(key)
	if n == nil {
		return At[string]{}
	}
	value, ok := m.w.text(key, n)
	if !ok {
		return value
	}
	if err := CheckName(value.Value); err != nil {
		m.w.problem(value.Pos, key+": "+err.Error()+notFilled(value.Value))
	}
	return value
}

// Bounds of labels and annotations, as Cloud Deploy has them.
const (
	MaxLabels       = 64 // of one pipeline, or one rollout
	mostLabelBytes  = 128
	mostAnnotations = 256 << 10 // bytes of all annotations together (AIP-128)
)

// CheckLabel judges one label by Cloud Deploy's rules: lower-case and
// international letters, digits, "_" and "-"; the key starts with a letter; at
// most 128 bytes a side.
func CheckLabel(key, value string) error {
	for _, side := range []string{key, value} {
		if len(side) > mostLabelBytes {
			return fmt.Errorf("label %s: %d bytes; at most %d a side are allowed", quote(key), len(side), mostLabelBytes)
		}
		if i := strings.IndexFunc(side, notOfLabel); i >= 0 {
			r, _ := utf8.DecodeRuneInString(side[i:])
			return fmt.Errorf("label %s: %q is not allowed in %s; use lower-case letters, digits, \"_\" and \"-\"", quote(key), r, quote(side))
		}
	}
	if first, _ := utf8.DecodeRuneInString(key); !unicode.IsLetter(first) {
		return fmt.Errorf("label %s: a label's key starts with a letter", quote(key))
	}
	return nil
}

// notOfLabel reports what a label cannot contain. Letters without case are
// international ones; marks belong to the letters before them.
func notOfLabel(r rune) bool {
	switch {
	case r == utf8.RuneError, unicode.IsUpper(r), unicode.IsTitle(r):
		return true
	}
	return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && r != '_' && r != '-'
}

// CheckAnnotation judges an annotation's key by Cloud Deploy's rules: an
// optional DNS subdomain and a slash, then a name of at most 63 letters,
// digits, "-", "_" and ".", beginning and ending with a letter or digit.
func CheckAnnotation(key string) error {
	prefix, name, found := strings.Cut(key, "/")
	if !found {
		prefix, name = "", key
	}
	if !annotationName().MatchString(name) {
		return fmt.Errorf("annotation %s: the name is 1 to 63 letters, digits, \"-\", \"_\" and \".\", beginning and ending with a letter or digit", quote(key))
	}
	if found && (len(prefix) > 253 || !annotationPrefix().MatchString(prefix)) {
		return fmt.Errorf("annotation %s: what stands before the slash is a DNS name such as example.com", quote(key))
	}
	return nil
}

func checkLabels(w *walker, what string, pairs []pair) {
	for _, p := range pairs {
		if err := CheckLabel(p.key.Value, p.value.Value); err != nil {
			w.problem(p.key.Pos, err.Error())
		}
	}
	if len(pairs) > MaxLabels {
		w.problem(pairs[MaxLabels].key.Pos, fmt.Sprintf("%s: %d labels; at most %d are allowed", what, len(pairs), MaxLabels))
	}
}

func checkAnnotations(w *walker, what string, pairs []pair) {
	size := 0
	for _, p := range pairs {
		size += len(p.key.Value) + len(p.value.Value)
		if err := CheckAnnotation(p.key.Value); err != nil {
			w.problem(p.key.Pos, err.Error())
		}
	}
	if size > mostAnnotations {
		w.problem(pairs[0].key.Pos, fmt.Sprintf("%s: %d bytes in all; at most %d are allowed", what, size, mostAnnotations))
	}
}
