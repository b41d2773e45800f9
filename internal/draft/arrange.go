package draft

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"sluice/stages/driver"
)

// item is a place that was found, on its way to a stage.
type item struct {
	driver.Place
	whole     driver.Existing
	source    int    // which of the names of the command line found it
	one       bool   // of one thing with all the others
	rest      string // its name without the word that says its stage
	component string
	from      *position
}

// position is where an item stands.
type position struct{ stage, index int }

// name is what the target is called.
func (i item) name() string {
	if i.whole.One && !i.whole.Ordered && i.whole.Name != "" {
		return i.whole.Name + "-" + i.Name
	}
	return i.Name
}

// group is a stage with its items.
type group struct {
	stage   string
	rank    int
	guessed bool
	items   []item
}

// unknown is the rank of a stage of which nothing says where it belongs: before
// production.
const unknown = 70

// environments are the words that names have for stages: what the stage is called,
// and its rank.
func environments() map[string]group {
	list := []struct {
		stage string
		rank  int
		words string
	}{
		{"development", 10, "dev develop development"},
		{"test", 20, "test testing tests"},
		{"integration", 30, "int integration"},
		{"qa", 40, "qa"},
		{"staging", 50, "stage staging stg"},
		{"uat", 60, "uat acceptance"},
		{"preproduction", 65, "preprod preproduction"},
		{"production", 80, "prod prd production"},
		{"live", 90, "live"},
	}
	byWord := map[string]group{}
	for _, e := range list {
		for word := range strings.FieldsSeq(e.words) {
			byWord[word] = group{stage: e.stage, rank: e.rank}
		}
	}
	return byWord
}

// environment is the stage that a name speaks of, the last word counting, and the
// name without that word. The stage is "" where it speaks of none.
func environment(name string) (stage string, rank int, rest string) {
	words := strings.Split(near(name), "-")
	known := environments()
	for i, word := range slices.Backward(words) {
		if e, ok := known[word]; ok {
			return e.stage, e.rank, strings.Join(slices.Delete(words, i, i+1), "-")
		}
	}
	return "", 0, near(name)
}

// arrange puts what was found into stages, in their order: the platform's own, else
// what the names say, else that of the words of the command line.
func arrange(items []item, several bool) []group {
	groups := map[string]*group{}
	silent := !slices.ContainsFunc(items, func(i item) bool { return i.whole.Ordered || speaks(i, items) })
	for n, it := range items {
		g := place(&it, items)
		if silent && several {
			g = group{stage: fmt.Sprintf("stage-%d", it.source+1), rank: it.source, guessed: true}
			it.one = true
		}
		if groups[g.stage] == nil {
			g.rank = g.rank*len(items) + n
			groups[g.stage] = &g
		}
		groups[g.stage].items = append(groups[g.stage].items, it)
	}
	list := make([]group, 0, len(groups))
	for _, g := range groups {
		list = append(list, *g)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].rank < list[j].rank })
	return list
}

// speaks reports whether something about an item says its stage.
func speaks(it item, items []item) bool {
	g := place(&it, items)
	return !g.guessed
}

// place is the stage of an item, which learns the rest of its name.
func place(it *item, items []item) group {
	if it.whole.Ordered {
		_, _, it.rest = environment(it.Name)
		return group{stage: first(near(it.Stage), "stage"), rank: 0}
	}
	stage, rank, rest := environment(it.Name)
	if it.rest = rest; stage != "" {
		return group{stage: stage, rank: rank}
	}
	for _, value := range distinct(*it, items) {
		if stage, rank, _ := environment(value); stage != "" {
			return group{stage: stage, rank: rank}
		}
	}
	if it.whole.One {
		return group{stage: first(near(it.Name), "stage"), rank: unknown, guessed: true}
	}
	return group{stage: "production", rank: 80, guessed: true}
}

// distinct are the values of an item's keys that others have not, in the order of the
// keys' names.
func distinct(it item, items []item) []string {
	own := values(it)
	var list []string
	for _, key := range slices.Sorted(maps.Keys(own)) {
		same := func(other item) bool { return values(other)[key] == own[key] }
		if !slices.ContainsFunc(items, func(other item) bool { return !same(other) }) {
			continue
		}
		list = append(list, own[key])
	}
	return list
}

// values are the texts among an item's keys.
func values(it item) map[string]string {
	var all map[string]any
	if json.Unmarshal(it.Config, &all) != nil {
		return nil
	}
	texts := map[string]string{}
	for key, value := range all {
		if text, ok := value.(string); ok {
			texts[key] = text
		}
	}
	return texts
}
