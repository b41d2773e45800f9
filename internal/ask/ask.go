// Package ask asks a person at a terminal: a choice from a list, or a text.
//
// Questions are lines, answered by a line: what golang.org/x/term edits, with Tab
// completing names. Nothing is drawn over what stands on the screen, so that a screen
// reader reads every word.
package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// ErrLeft means that whoever was asked left without an answer.
var ErrLeft = errors.New("no answer was given")

// Option is one of several answers.
type Option struct {
	Name  string // what is typed
	About string // what it is, in words
}

// Person is somebody at a terminal. Its questions end when ctx of the call does.
type Person struct {
	terminal *term.Terminal
	restore  func()
}

// Between opens the terminal that in and out are. ok is false where they are none:
// then nobody is there to be asked. Close must be called at the end.
func Between(in io.Reader, out io.Writer) (p *Person, ok bool, err error) {
	from, isFile := in.(*os.File)
	to, alsoFile := out.(*os.File)
	if !isFile || !alsoFile || !term.IsTerminal(int(from.Fd())) || !term.IsTerminal(int(to.Fd())) {
		return nil, false, nil
	}
	state, err := term.MakeRaw(int(from.Fd()))
	if err != nil {
		return nil, false, err
	}
	p = Over(struct {
		io.Reader
		io.Writer
	}{from, to})
	p.restore = func() { _ = term.Restore(int(from.Fd()), state) } // the terminal that it was taken from
	return p, true, nil
}

// Over is a person at the other end of a stream, in a terminal's raw mode.
func Over(stream io.ReadWriter) *Person {
	return &Person{terminal: term.NewTerminal(stream, ""), restore: func() {}}
}

// Close gives the terminal back as it was.
func (p *Person) Close() { p.restore() }

// Say writes lines that need no answer.
func (p *Person) Say(text string) {
	_, _ = p.terminal.Write([]byte(text + "\n")) // nobody is left to tell
}

// Choose asks for one of the options, by its number or its name. The first is meant by
// an empty line. ErrLeft where the input ends, or Ctrl-C or Ctrl-D is pressed.
func (p *Person) Choose(ctx context.Context, question string, options []Option) (string, error) {
	p.Say(question)
	widest := 0
	for _, o := range options {
		widest = max(widest, len(o.Name))
	}
	for i, o := range options {
		p.Say(fmt.Sprintf("  %2d  %-*s  %s", i+1, widest, o.Name, o.About))
	}
	p.terminal.AutoCompleteCallback = completing(options)
	defer func() { p.terminal.AutoCompleteCallback = nil }()
	for {
		answer, err := p.line(ctx, "number or name [1]: ")
		if err != nil {
			return "", err
		}
		if chosen, ok := chosen(answer, options); ok {
			return chosen, nil
		}
		p.Say(fmt.Sprintf("%q is none of them: a number from 1 to %d, or a name", answer, len(options)))
	}
}

// chosen is the option that an answer means.
func chosen(answer string, options []Option) (string, bool) {
	if answer == "" {
		return options[0].Name, true
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(options) {
		return options[n-1].Name, true
	}
	i := slices.IndexFunc(options, func(o Option) bool { return strings.EqualFold(o.Name, answer) })
	if i < 0 {
		return "", false
	}
	return options[i].Name, true
}

// completing completes a name that one option alone begins with.
func completing(options []Option) func(line string, pos int, key rune) (string, int, bool) {
	return func(line string, _ int, key rune) (string, int, bool) {
		if key != '\t' || line == "" {
			return "", 0, false
		}
		var fit []string
		for _, o := range options {
			if strings.HasPrefix(o.Name, line) {
				fit = append(fit, o.Name)
			}
		}
		if len(fit) != 1 {
			return "", 0, false
		}
		return fit[0], len(fit[0]), true
	}
}

// Text asks for a text that is not empty. ErrLeft as with Choose.
func (p *Person) Text(ctx context.Context, question string) (string, error) {
	for {
		answer, err := p.line(ctx, question+": ")
		if err != nil || answer != "" {
			return answer, err
		}
		p.Say("something has to be typed here; Ctrl-C leaves")
	}
}

// Agree asks for yes or no; an empty line is yes.
func (p *Person) Agree(ctx context.Context, question string) (bool, error) {
	for {
		answer, err := p.line(ctx, question+" [Y/n] ")
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "", "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
		p.Say("y or n")
	}
}

// line reads a line, without the white space around it.
func (p *Person) line(ctx context.Context, prompt string) (string, error) {
	type answer struct {
		line string
		err  error
	}
	p.terminal.SetPrompt(prompt)
	answers := make(chan answer, 1)
	go func() {
		line, err := p.terminal.ReadLine()
		answers <- answer{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case a := <-answers:
		if errors.Is(a.err, io.EOF) {
			return "", ErrLeft
		}
		return strings.TrimSpace(a.line), a.err
	}
}
