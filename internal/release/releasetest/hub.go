// Package releasetest stands in for a registry of container images, so that a release
// can be rehearsed without a network.
package releasetest

import (
	"io"
	"log"
	"net/http"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Token is what a Registry takes an image with, whatever the user's name.
const Token = "releasetest-token"

// Registry takes images of who has Token. Everybody else can read them once it is
// Public: like GitHub's, where a new package is private. Make it with NewRegistry.
type Registry struct {
	Public  atomic.Bool
	handler http.Handler
}

// NewRegistry is an empty registry that is not public.
func NewRegistry() *Registry {
	return &Registry{handler: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
}

// ServeHTTP speaks the OCI distribution protocol.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, token, _ := req.BasicAuth()
	reads := req.Method == http.MethodGet || req.Method == http.MethodHead
	if token != Token && (!reads || !r.Public.Load()) {
		w.Header().Set("WWW-Authenticate", `Basic realm="releasetest"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.handler.ServeHTTP(w, req)
}
