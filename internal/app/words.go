package app

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/pipeline"
)

// argument is the annotation of a command that says which flag its arguments
// stand for.
const argument = "argument"

// placeWords says that a command's arguments name stages or targets: which they
// are is known when the pipeline file is.
const placeWords = "place"

// takes has a command take arguments for a flag, at most this many; -1 is any
// number. It returns cmd.
func takes(cmd *cobra.Command, flag string, most int) *cobra.Command {
	cmd.Annotations = map[string]string{argument: flag}
	cmd.Args = cobra.ArbitraryArgs
	if most >= 0 {
		cmd.Args = words(0, most)
	}
	return cmd
}

// words has a command take so many arguments; most -1 is any number.
func words(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("%s: a word is missing; it is used as `%s`, and `%s --help` has an example", cmd.Name(), cmd.UseLine(), cmd.CommandPath()))
		case most >= 0 && len(args) > most:
			return usage(fmt.Errorf("%s: %q is one word too many; it is used as `%s`", cmd.Name(), args[most], cmd.UseLine()))
		default:
			return nil
		}
	}
}

// take reads the arguments of a command. What both an argument and its flag say
// has to be the same.
func (f *flags) take(cmd *cobra.Command, args []string) error {
	flag := cmd.Annotations[argument]
	if flag == "" || len(args) == 0 {
		return nil
	}
	if flag == placeWords {
		f.places = args
		return nil
	}
	for _, word := range args {
		if f := cmd.Flags().Lookup(flag); f.Changed && f.Value.Type() == "string" && f.Value.String() != word {
			return usage(fmt.Errorf("%q and --%s %s: say one of them", word, flag, f.Value.String()))
		}
		if err := cmd.Flags().Set(flag, word); err != nil {
			return usage(err)
		}
	}
	return nil
}

// resolvePlaces finds out which words of the command line are stages and which
// are targets. A word is looked for in every pipeline.
func (f *flags) resolvePlaces(pipelines []*pipeline.Pipeline) error {
	for _, word := range f.places {
		stage, target, err := placeOf(pipelines, word)
		switch {
		case err != nil:
			return usage(err)
		case stage && target:
			return usage(fmt.Errorf("%q is a stage and a target: say --stage %s or --target %s", word, word, word))
		case stage && f.stage != "" && f.stage != word:
			return usage(fmt.Errorf("two stages, %s and %s: say one", f.stage, word))
		case stage:
			f.stage = word
		default:
			f.targets = append(f.targets, word)
		}
	}
	f.places = nil
	return nil
}

// placeOf reports whether a word is a stage or a target of one of the pipelines;
// the error names what was probably meant.
func placeOf(pipelines []*pipeline.Pipeline, word string) (stage, target bool, err error) {
	var names []string
	for _, p := range pipelines {
		_, noStage := p.Stage(word)
		_, noTarget := p.Target(word)
		stage, target = stage || noStage == nil, target || noTarget == nil
		names = append(names, placeNames(p)...)
	}
	if stage || target {
		return stage, target, nil
	}
	return false, false, fmt.Errorf("no stage or target %q%s", word, didYouMean(word, names))
}

// didYouMean asks for the known word that is near; "" where none is.
func didYouMean(word string, known []string) string {
	if near := pipeline.Nearest(word, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return ""
}

// ended is a text that something follows: a question ends itself.
func ended(text string) string {
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + ";"
}

// known refuses a word that is no command.
func known(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return fmt.Errorf("%s `%s help` lists the commands", ended(fmt.Sprintf("unknown command %q for %q%s", args[0], root.CommandPath(), didYouMean(args[0], names))), root.CommandPath())
}

// wrongFlag is an error about a flag, with the one that was probably meant.
func wrongFlag(cmd *cobra.Command, err error) error {
	text := err.Error()
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok && missing.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := pipeline.Nearest(missing.GetSpecifiedName(), names); near != "" {
			text += fmt.Sprintf("; did you mean --%s?", near)
		}
	}
	return usage(fmt.Errorf("%s `%s --help` lists the flags", ended(strings.TrimSuffix(text, ".")), cmd.CommandPath()))
}
