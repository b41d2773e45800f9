package heroku

import (
	"cmp"
	"regexp"
	"slices"

	"sluice/internal/sandbox/kit"
)

// herokuPipeline is a pipeline of Heroku's, as the API shows it.
type herokuPipeline struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Owner ref    `json:"owner"`
	times
}

// thePipeline is the one whose id a request's path has.
func thePipeline(c *call) (*herokuPipeline, error) {
	return found(c.Pipelines[c.PathValue("pipeline")], "pipeline")
}

// named lists the pipelines of a name.
func (s *state) named(name string) []*herokuPipeline {
	return kit.Those(kit.Sorted(s.Pipelines), func(p *herokuPipeline) bool { return p.Name == name })
}

// getPipelines lists the pipelines, or those of one name.
//
// docs/platforms.md: "The CLI finds a pipeline's name with `GET /pipelines?eq[name]=NAME`"
func getPipelines(c *call) (any, error) {
	all := kit.Sorted(c.Pipelines)
	if query := c.URL.Query(); query.Has("eq[name]") {
		all = c.named(query.Get("eq[name]"))
	}
	return listOf(all, kit.Whole, "id", "name"), nil
}

// candidates are the pipelines that a name may mean.
type candidates []*herokuPipeline

// getPipeline finds a pipeline by id or name.
//
// docs/platforms.md: "`GET /pipelines/{id|name}` (an ambiguous name: 300 with the candidates)"
func getPipeline(c *call) (any, error) {
	name := c.PathValue("pipeline")
	if p := c.Pipelines[name]; p != nil {
		return p, nil
	}
	switch found := c.named(name); len(found) {
	case 0:
		return nil, notFound("pipeline")
	case 1:
		return found[0], nil
	default:
		return candidates(found), nil
	}
}

type createPipelineInput struct {
	Name  string
	Owner struct{ ID string }
}

// createPipeline makes a pipeline.
//
// docs/platforms.md: "`POST /pipelines` needs `name` alone; owners may have pipelines of the same name."
// docs/platforms.md: "those of pipelines `^[a-z][a-z0-9-]{2,29}$`"
func createPipeline(c *call, body *createPipelineInput) (any, error) {
	owner := cmp.Or(body.Owner.ID, ownerID())
	if body.Name == "" {
		return nil, invalid("Name can't be blank")
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{2,29}$`).MatchString(body.Name) {
		return nil, invalid("Name must start with a letter and can only contain lowercase letters, digits, and dashes.")
	}
	if slices.ContainsFunc(c.named(body.Name), func(p *herokuPipeline) bool { return p.Owner.ID == owner }) {
		return nil, invalid("Name has already been taken")
	}
	return c.addPipeline(c.newID("pipeline"), body.Name, owner), nil
}

func (acc account) addPipeline(id, name, owner string) *herokuPipeline {
	p := &herokuPipeline{ID: id, Name: name, Owner: ref{ID: owner, Type: "user"}, times: at(acc.now)}
	acc.Pipelines[id] = p
	return p
}

// getLatestReleases lists the newest release of each of a pipeline's apps.
//
// docs/platforms.md: "`GET /pipelines/{id}/latest-releases` lists the latest release of each app of a pipeline"
// docs/platforms.md: "a failed or pending release is listed as well"
func getLatestReleases(c *call, p *herokuPipeline) (any, error) {
	l := list{attributes: []string{"id"}}
	for _, in := range c.couplingsOf(p) {
		a := c.Apps[in.App.ID]
		if a == nil {
			continue
		}
		if newest := kit.Newest(a.visible(c.now)); newest != nil {
			c.look(newest)
			l.items = append(l.items, c.shown(a, newest))
		}
	}
	return l, nil
}
