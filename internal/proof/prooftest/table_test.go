package prooftest

import (
	"maps"
	"os"
	"strings"
	"testing"
)

// TestFigures: what is written is read again, and a row takes the place of its own alone.
func TestFigures(t *testing.T) {
	rows := map[[3]string]tally{{"faults", "heroku", "file"}: {7, 7}, {"faults", "heroku", "git"}: {9, 8}}
	if again := figures(written(rows)); !maps.Equal(again, rows) {
		t.Errorf("%v was written and %v read", rows, again)
	}
	page, err := os.ReadFile("../" + guarantees)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), figuresBegin)
	text, _, ends := strings.Cut(rest, figuresEnd)
	if !found || !ends || written(figures(text)) != text {
		t.Errorf("%s: the figures are not as make proof writes them", guarantees)
	}
}
