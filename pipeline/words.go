package pipeline

import (
	"fmt"
	"strconv"
	"strings"
)

// mostShown is how much of a value from the file a message repeats.
const mostShown = 60

// shorten bounds a value for a message.
func shorten(s string) string {
	if r := []rune(s); len(r) > mostShown {
		return string(r[:mostShown]) + "…"
	}
	return s
}

// quote bounds a value and escapes what a terminal would obey.
func quote(s string) string { return strconv.Quote(shorten(s)) }

// listOf joins words: "a, b, c".
func listOf(words []string) string { return strings.Join(words, ", ") }

// someOf joins names that the file chose: the first of them where they are many.
func someOf(names []string) string {
	const most = 20
	if len(names) <= most {
		return listOf(names)
	}
	return fmt.Sprintf("%s and %d more", listOf(names[:most]), len(names)-most)
}

// oneOfList joins alternatives: "a, b or c".
func oneOfList(words []string) string {
	if len(words) < 2 {
		return listOf(words)
	}
	last := len(words) - 1
	return listOf(words[:last]) + " or " + words[last]
}

// didYouMean is `; did you mean "x"?` without its end, where one of the known
// words is close to what was written, else "".
func didYouMean(written string, known []string) string {
	if near := Nearest(written, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// Nearest is the known word that was probably meant, "" where none is close:
// one with few differing letters, or one that is longer or shorter at its end.
func Nearest(written string, known []string) string {
	written = strings.ToLower(shorten(written))
	best, least := "", 1+max(1, len([]rune(written))/3)
	for _, word := range known {
		if min(len(written), len(word)) >= 3 && (strings.HasPrefix(word, written) || strings.HasPrefix(written, word)) {
			best = word
			break
		}
	}
	for _, word := range known {
		if d := distance(written, strings.ToLower(word)); d < least {
			best, least = word, d
		}
	}
	return best
}

// distance counts the edits between two words: insert, delete, replace, and
// swap of neighbours.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
