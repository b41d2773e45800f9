// Package draft makes a pipeline file, and the workflows that run it, of what exists
// on a platform: what `sluice init` writes. What it cannot know it leaves out and says
// so in a comment of the file.
//
// It reads no platform and writes no file: it makes text out of values.
package draft

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sluice/stages/driver"
)

// Source is what was found on a platform under a name.
type Source struct {
	What  string // the name, as it was given
	Found driver.Existing
}

// Draft is a pipeline file to be.
type Draft struct {
	Name   string
	Facts  driver.Facts
	Stages []Stage
	Notes  []string // what people should know of what was found; untrusted text
}

// Stage is a stage to be.
type Stage struct {
	Name    string
	Targets []Target
	Guessed bool // nothing says where in the order it belongs
}

// Target is a target to be.
type Target struct {
	Name      string
	Component string // "" where the pipeline has one chain alone
	From      string // its source, where there are several; else ""
	Config    json.RawMessage
	Note      string // untrusted text; "" for none
}

// Of makes a draft of what was found on one platform. It fails where nothing that
// was found can be a target.
func Of(facts driver.Facts, sources []Source) (Draft, error) {
	d := Draft{Facts: facts}
	var items []item
	for n, s := range sources {
		for _, place := range s.Found.Places {
			if place.Config == nil {
				d.Notes = append(d.Notes, place.Name+" is left out: "+place.Note)
				continue
			}
			items = append(items, item{Place: place, whole: s.Found, source: n, one: s.Found.One})
		}
	}
	if len(items) == 0 {
		return d, errors.Join(errors.New("nothing that was found can be a target"), notes(d.Notes))
	}
	chained, notes, components := chains(arrange(items, len(sources) > 1))
	d.Notes = append(d.Notes, notes...)
	d.Stages = named(chained)
	d.Name = nameOf(sources, components)
	return d, nil
}

// notes is what was left out, as an error; nil for nothing.
func notes(list []string) error {
	var errs []error
	for _, n := range list {
		errs = append(errs, errors.New(n))
	}
	return errors.Join(errs...)
}

// nameOf is what the pipeline is called: as the platform calls what was found, else as
// its one component, else as what it was found under.
func nameOf(sources []Source, components []string) string {
	if name := near(sources[0].Found.Name); name != "" && len(sources) == 1 {
		_, _, rest := environment(name)
		return first(rest, name)
	}
	if len(components) == 1 {
		return Name(components[0])
	}
	what := sources[0].What
	return Name(what[strings.LastIndex(what, "/")+1:])
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// named gives stages and targets names of which each is there once.
func named(stages []group) []Stage {
	taken := map[string]bool{}
	list := make([]Stage, len(stages))
	for i, g := range stages {
		list[i] = Stage{Name: g.stage, Guessed: g.guessed}
		for _, it := range g.items {
			name := once(taken, it.name())
			list[i].Targets = append(list[i].Targets, Target{
				Name: name, Component: it.component, Config: it.Config, Note: it.Note,
			})
		}
	}
	for i, g := range stages {
		for k, it := range g.items {
			if it.from != nil {
				list[i].Targets[k].From = list[it.from.stage].Targets[it.from.index].Name
			}
		}
	}
	return list
}

// once is a name that was not taken yet.
func once(taken map[string]bool, name string) string {
	name = first(near(name), "target")
	free := name
	for n := 2; taken[free]; n++ {
		tail := fmt.Sprintf("-%d", n)
		free = name[:min(len(name), longestName-len(tail))] + tail
	}
	taken[free] = true
	return free
}
