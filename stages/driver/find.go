package driver

import (
	"context"
	"encoding/json"
)

// Finder is a driver that finds what exists, for who begins a pipeline file. Its
// platform's [Facts] say how that is named: Finds.
type Finder interface {
	// Find lists the places that what names, in the platform's own order. It only
	// reads. NotFound where there is nothing, Invalid where what is no such name or
	// where several things are called so; the error then says which.
	Find(ctx context.Context, what string) (Existing, error)
}

// Finds says how what exists is named for [Finder].
type Finds struct {
	What    string // the form of the name, such as PROJECT/LOCATION/SERVICE; "" where nothing can be found
	About   string // in words, what that is
	Example string // such a name
}

// Existing is what exists.
type Existing struct {
	Name    string // what people call the whole of it; "" for nothing
	Ordered bool   // the platform has stages in an order: the places' Stage, and their order, say which
	One     bool   // the places are of one thing, whose releases travel between them
	Places  []Place
}

// Place is something that exists and that a target may be.
type Place struct {
	Name   string          // what people call it
	Stage  string          // the stage that the platform has it in; "" where it has none
	Config json.RawMessage // the platform's keys, as a target declares them; nil where it cannot be one yet
	Note   string          // what people should know of it; "" for nothing. It says why there is no Config
}

// Login is how a job of GitHub Actions gets a platform's credentials.
type Login struct {
	Steps     string   // steps of the job, YAML that begins with "- "; "" for none
	IDToken   bool     // the steps ask GitHub for a token: id-token: write
	Secrets   []string // environment variables that are secrets of the repository
	Variables []string // variables of the repository that the steps read
}
