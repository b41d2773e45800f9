package heroku

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"sluice/internal/sandbox/kit"
)

// state is everything that the account has.
type state struct {
	Apps       map[string]*app            `json:"apps"`       // by id
	Slugs      map[string]*slug           `json:"slugs"`      // by id
	Pipelines  map[string]*herokuPipeline `json:"pipelines"`  // by id
	Couplings  map[string]*coupling       `json:"couplings"`  // by app id
	Promotions map[string]*promoted       `json:"promotions"` // by id
	kit.Count
}

func newState() state {
	return state{
		Apps: map[string]*app{}, Slugs: map[string]*slug{}, Pipelines: map[string]*herokuPipeline{},
		Couplings: map[string]*coupling{}, Promotions: map[string]*promoted{},
	}
}

// fixedID is the id of something that is seeded: the same every time.
func fixedID(kind string, names ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "heroku/%s/%q", kind, names)).String()
}

// newID is the id of the next thing that is made.
func (s *state) newID(kind string) string {
	return fixedID(kind, fmt.Sprint(s.Next()))
}

// short is how an id is written for people.
func short(id string) string { return id[:min(8, len(id))] }

// times are when a resource was made and changed, to the second.
type times struct {
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
}

// at are the times of a resource that nobody changed.
func at(made time.Time) times {
	made = made.UTC().Truncate(time.Second)
	return times{made, made}
}
