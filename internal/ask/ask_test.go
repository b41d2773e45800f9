package ask_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"sluice/internal/ask"
)

// screen is a terminal at which these keys are pressed.
type screen struct {
	io.Reader
	shown bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) { return s.shown.Write(p) }

func at(keys string) *screen { return &screen{Reader: strings.NewReader(keys)} }

func TestChoose(t *testing.T) {
	options := []ask.Option{{"heroku", "Heroku"}, {"lambda", "AWS Lambda"}, {"ecs", "Amazon ECS"}}
	for keys, want := range map[string]string{
		"\r": "heroku", "2\r": "lambda", "ecs\r": "ecs", "LAMBDA\r": "lambda", "la\t\r": "lambda", "9\rnone\r3\r": "ecs",
	} {
		s := at(keys)
		got, err := ask.Over(s).Choose(t.Context(), "Where?", options)
		if got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q\n%s", keys, got, err, want, &s.shown)
		}
		if !strings.Contains(s.shown.String(), "2  lambda  AWS Lambda") {
			t.Errorf("%q: the options are not shown: %q", keys, &s.shown)
		}
	}
}

func TestText(t *testing.T) {
	s := at("\r  shop  \r")
	if got, err := ask.Over(s).Text(t.Context(), "which one"); got != "shop" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if !strings.Contains(s.shown.String(), "something has to be typed") {
		t.Errorf("an empty answer is not told: %q", &s.shown)
	}
}

// TestLeave: Ctrl-C, Ctrl-D and the end of the input leave without an answer.
func TestLeave(t *testing.T) {
	for _, keys := range []string{"\x03", "\x04", ""} {
		if got, err := ask.Over(at(keys)).Text(t.Context(), "which one"); !errors.Is(err, ask.ErrLeft) {
			t.Errorf("%q: %q, %v", keys, got, err)
		}
	}
}

// TestStopped: whoever is asked does not keep a process that is told to end.
func TestStopped(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := ask.Over(&screen{Reader: in}).Text(ctx, "which one"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestNoTerminal: nobody is asked through a file or a pipe.
func TestNoTerminal(t *testing.T) {
	if _, there, err := ask.Between(strings.NewReader("1\n"), io.Discard); there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
}
