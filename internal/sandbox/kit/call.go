package kit

import "net/http"

// Call is a request that an API was sent. It reads its body into one of the API's types,
// or refuses it in the API's words.
type Call interface{ Decode(into any) error }

// Operation is one call of an API in REST's form: what answers it, and with which status.
type Operation[C any] struct {
	Status int
	Serve  func(C) (any, error)
}

// Answering makes operations whose answers have a status.
func Answering[C any](status int) func(serve func(C) (any, error)) Operation[C] {
	return func(serve func(C) (any, error)) Operation[C] { return Operation[C]{status, serve} }
}

// Routes give requests to operations by the patterns of [http.ServeMux].
func Routes[C any](all map[string]Operation[C], serve func(http.ResponseWriter, *http.Request, Operation[C])) *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, op := range all {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { serve(w, r, op) })
	}
	return mux
}

// On serves a call that is about what find finds.
func On[C, R any](find func(C) (R, error), serve func(C, R) (any, error)) func(C) (any, error) {
	return func(c C) (any, error) {
		r, err := find(c)
		if err != nil {
			return nil, err
		}
		return serve(c, r)
	}
}

// Taking serves a call that has a body of its own type.
func Taking[C Call, In any](serve func(C, *In) (any, error)) func(C) (any, error) {
	return func(c C) (any, error) {
		in := new(In)
		if err := c.Decode(in); err != nil {
			return nil, err
		}
		return serve(c, in)
	}
}

// Changing serves a call that is about what find finds, and has a body of its own type.
func Changing[C Call, R, In any](find func(C) (R, error), serve func(C, R, *In) (any, error)) func(C) (any, error) {
	return Taking(func(c C, in *In) (any, error) {
		return On(find, func(c C, r R) (any, error) { return serve(c, r, in) })(c)
	})
}
