package heroku

import (
	"regexp"
	"slices"
	"time"

	"sluice/internal/sandbox/kit"
)

// herokuPipeline is a pipeline of Heroku's.
type herokuPipeline struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"`
}

// thePipeline is the one whose id a request's path has.
func thePipeline(c *call) (*herokuPipeline, error) {
	return found(c.Pipelines[c.PathValue("pipeline")], "pipeline")
}

type pipelineBody struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Owner   any       `json:"owner"`
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

func (p *herokuPipeline) body() pipelineBody {
	return pipelineBody{ID: p.ID, Name: p.Name, Owner: map[string]string{"id": p.Owner, "type": "user"}, Created: p.Created, Updated: p.Created}
}

func (p *herokuPipeline) item() item {
	return item{map[string]string{"id": p.ID, "name": p.Name}, p.body()}
}

// named lists the pipelines of a name.
func (s *state) named(name string) []*herokuPipeline {
	return slices.DeleteFunc(kit.Sorted(s.Pipelines), func(p *herokuPipeline) bool { return p.Name != name })
}

// getPipelines lists the pipelines, or those of one name.
//
// docs/platforms.md: "The CLI finds a pipeline's name with `GET /pipelines?eq[name]=NAME`"
func getPipelines(c *call) (any, error) {
	all := kit.Sorted(c.Pipelines)
	if query := c.URL.Query(); query.Has("eq[name]") {
		all = c.named(query.Get("eq[name]"))
	}
	return listOf("id", all, (*herokuPipeline).item), nil
}

// candidates are the pipelines that a name may mean.
type candidates []pipelineBody

// getPipeline finds a pipeline by id or name.
//
// docs/platforms.md: "`GET /pipelines/{id|name}` (an ambiguous name: 300 with the candidates)"
func getPipeline(c *call) (any, error) {
	name := c.PathValue("pipeline")
	if p := c.Pipelines[name]; p != nil {
		return p.body(), nil
	}
	switch found := c.named(name); len(found) {
	case 0:
		return nil, notFound("pipeline")
	case 1:
		return found[0].body(), nil
	default:
		var some candidates
		for _, p := range found {
			some = append(some, p.body())
		}
		return some, nil
	}
}

type createPipelineInput struct {
	Name  string
	Owner *struct{ ID string }
}

// createPipeline makes a pipeline.
//
// docs/platforms.md: "`POST /pipelines` needs `name` alone; owners may have pipelines of the same name."
// docs/platforms.md: "those of pipelines `^[a-z][a-z0-9-]{2,29}$`"
func createPipeline(c *call, body *createPipelineInput) (any, error) {
	owner := ownerID()
	if body.Owner != nil && body.Owner.ID != "" {
		owner = body.Owner.ID
	}
	if body.Name == "" {
		return nil, invalid("Name can't be blank")
	}
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{2,29}$`).MatchString(body.Name) {
		return nil, invalid("Name must start with a letter and can only contain lowercase letters, digits, and dashes.")
	}
	if slices.ContainsFunc(c.named(body.Name), func(p *herokuPipeline) bool { return p.Owner == owner }) {
		return nil, invalid("Name has already been taken")
	}
	return c.addPipeline(c.newID("pipeline"), body.Name, owner).body(), nil
}

func (acc account) addPipeline(id, name, owner string) *herokuPipeline {
	p := &herokuPipeline{ID: id, Name: name, Owner: owner, Created: second(acc.now)}
	acc.Pipelines[id] = p
	return p
}

// getLatestReleases lists the newest release of each of a pipeline's apps.
//
// docs/platforms.md: "`GET /pipelines/{id}/latest-releases` lists the latest release of each app of a pipeline"
// docs/platforms.md: "a failed or pending release is listed as well"
func getLatestReleases(c *call, p *herokuPipeline) (any, error) {
	l := list{attribute: "id"}
	for _, in := range kit.Sorted(c.Couplings) {
		a := c.Apps[in.App]
		if in.Pipeline != p.ID || a == nil {
			continue
		}
		if visible := a.visible(c.now); len(visible) > 0 {
			newest := kit.Newest(visible)
			c.look(newest)
			l.items = append(l.items, item{map[string]string{"id": newest.ID}, c.shown(a, newest)})
		}
	}
	return l, nil
}
