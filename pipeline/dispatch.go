package pipeline

import (
	"io/fs"
	"path"
	"slices"

	"gopkg.in/yaml.v3"
)

// Dispatch is a workflow that people start by hand and give a command, in its input
// `command`.
type Dispatch struct {
	File   string           // "decide.yml"
	Inputs map[string]Input // by name
}

// Input is an input of a workflow.
type Input struct {
	Options  []string `yaml:"options"` // what it may be; none for anything
	Required bool     `yaml:"required"`
	Default  string   `yaml:"default"`
}

// Takes reports whether an input may have a value.
func (d Dispatch) Takes(name, value string) bool {
	input, ok := d.Inputs[name]
	return ok && (len(input.Options) == 0 || slices.Contains(input.Options, value))
}

// Dispatches reads the workflows of a repository that people give a command to, by their
// files' names. One that cannot be read, or is none, is left out.
func Dispatches(dir fs.FS) []Dispatch {
	var list []Dispatch
	for _, pattern := range []string{".github/workflows/*.yml", ".github/workflows/*.yaml"} {
		files, err := fs.Glob(dir, pattern)
		if err != nil {
			return nil
		}
		for _, file := range files {
			if d, ok := dispatch(dir, file); ok {
				list = append(list, d)
			}
		}
	}
	return list
}

func dispatch(dir fs.FS, file string) (Dispatch, bool) {
	text, err := fs.ReadFile(dir, file)
	if err != nil || len(text) > MaxSize {
		return Dispatch{}, false
	}
	var workflow struct {
		On struct {
			Dispatch struct {
				Inputs map[string]Input `yaml:"inputs"`
			} `yaml:"workflow_dispatch"`
		} `yaml:"on"`
	}
	if yaml.Unmarshal(text, &workflow) != nil {
		return Dispatch{}, false
	}
	inputs := workflow.On.Dispatch.Inputs
	_, commands := inputs["command"]
	return Dispatch{File: path.Base(file), Inputs: inputs}, commands
}
