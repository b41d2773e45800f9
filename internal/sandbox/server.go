package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/pipeline"
)

// Options say what is served.
type Options struct {
	// Dir keeps the state, one JSON file per platform, and is made where it is
	// missing. Processes that share it see each other's changes. "" keeps
	// nothing.
	Dir string
	// Emulators are the platforms there are. Only those that Pipelines use
	// are started; without pipelines, all.
	Emulators []Emulator
	// Pipelines seed the emulators.
	Pipelines []*pipeline.Pipeline
	// Faults spoil requests, each as often as it says.
	Faults []Fault
	// Kill ends the process for the faults kill-before and kill-after, as
	// SIGKILL does. Where it returns, the connection is cut instead. Nil
	// refuses those faults.
	Kill func()
	// Beside is served beside the platforms, after them; nil for nothing.
	Beside Beside
	// Identity gives credentials to who the pipelines name, and is served last; nil for
	// nothing. What it says of the environment counts before all others.
	Identity Identity
	// Listen is a loopback address, "127.0.0.1:0" without one. With a port,
	// the emulators take it and those that follow, in their order.
	Listen string
}

// Beside is what the checks of a pipeline ask that is no platform: it keeps no state,
// and its faults are its own.
type Beside interface {
	http.Handler // safe for concurrent use

	// Env is what clients need in their environment to reach it at base, as
	// [Emulator.Env] is.
	Env(base string) map[string]string
}

// Identity is what gives credentials to who pipelines name.
type Identity interface {
	Beside

	// Variables are environment variables that hold a credential, by the platform's own
	// in whose place each is.
	Variables() map[string]string
}

// Server is the running emulators.
type Server struct {
	journal journal
	gates   []*gate
	hosts   map[string]*gate    // by the address they are served at
	targets map[string]Emulator // those that can be named
	servers []*http.Server
	beside  string // where Options.Beside is served; "" for nowhere
	env     map[string]string
	group   errgroup.Group
	unwatch func() bool // ends watching the context
}

// Start restores, seeds and serves the emulators, until ctx is done or the
// server is closed. It returns once every one of them answers. A run that
// finishes its work after an interrupt gives a ctx that outlives the interrupt.
func Start(ctx context.Context, o Options) (*Server, error) {
	used, err := usedEmulators(o.Emulators, o.Pipelines)
	if err != nil {
		return nil, err
	}
	s := &Server{env: map[string]string{}, hosts: map[string]*gate{}, targets: targetsOf(used, o.Pipelines)}
	for _, f := range o.Faults {
		if err := checkFault(f, s.targets, o.Kill != nil); err != nil {
			return nil, err
		}
	}
	if err := s.open(ctx, o, used); err != nil {
		s.shut()
		return nil, err
	}
	s.unwatch = context.AfterFunc(ctx, s.shut)
	return s, nil
}

// open prepares and serves every emulator.
func (s *Server) open(ctx context.Context, o Options, used []Emulator) error {
	if o.Dir != "" {
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	armed := newFaults(o.Faults)
	for i, e := range used {
		g := &gate{emulator: e, keeper: newKeeper(e, o.Dir), faults: armed, journal: &s.journal, kill: o.Kill}
		if err := g.keeper.do(func() (bool, error) { return true, seed(e, o.Pipelines) }); err != nil {
			return err
		}
		host, err := s.serve(ctx, o.Listen, i, e.Platform(), g)
		if err != nil {
			return err
		}
		s.gates = append(s.gates, g)
		s.hosts[host] = g
		maps.Copy(s.env, e.Env("http://"+host))
	}
	return s.openBeside(ctx, o, len(used))
}

// openBeside serves what is asked beside the platforms. Where both name a variable,
// such as a vendor's region, the platform's counts.
func (s *Server) openBeside(ctx context.Context, o Options, i int) error {
	if o.Beside != nil {
		host, err := s.serve(ctx, o.Listen, i, "what checks ask", o.Beside)
		if err != nil {
			return err
		}
		i++
		s.beside = "http://" + host
		env := o.Beside.Env(s.beside)
		maps.Copy(env, s.env)
		s.env = env
	}
	if o.Identity == nil {
		return nil
	}
	host, err := s.serve(ctx, o.Listen, i, "who asks", o.Identity)
	if err != nil {
		return err
	}
	maps.Copy(s.env, o.Identity.Env("http://"+host))
	for name, own := range o.Identity.Variables() {
		s.env[name] = s.env[own] + "-of-" + name
	}
	return nil
}

// serve puts h behind the i-th listener and returns its address.
func (s *Server) serve(ctx context.Context, listen string, i int, what string, h http.Handler) (host string, err error) {
	address, err := address(listen, i)
	if err != nil {
		return "", err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("sandbox: serving %s: %w", what, err)
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	s.servers = append(s.servers, server)
	s.group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("sandbox: serving %s: %w", what, err)
		}
		return nil
	})
	return listener.Addr().String(), nil
}

// Beside is where [Options.Beside] is served: "http://127.0.0.1:PORT", or "".
func (s *Server) Beside() string { return s.beside }

// Env is what clients need in their environment to reach the emulators.
func (s *Server) Env() map[string]string { return maps.Clone(s.env) }

// Requests lists the newest 10,000 requests or so, oldest first.
func (s *Server) Requests() []Request { return s.journal.list() }

// Effects lists the changes among [Server.Requests] that took effect, oldest
// first.
func (s *Server) Effects() []Effect {
	var effects []Effect
	for _, r := range s.journal.list() {
		if e, ok := r.effect(); ok {
			effects = append(effects, e)
		}
	}
	return effects
}

// Intrude changes a target as somebody else might, between two requests; see
// [Intruder].
func (s *Server) Intrude(target string) error {
	for _, g := range s.gates {
		if intruder, ok := g.emulator.(Intruder); ok && g.emulator == s.targets[target] {
			return g.alone(func() (bool, error) { return true, intruder.Intrude(target) })
		}
	}
	return fmt.Errorf("sandbox: nobody can change target %q behind your back: it is not served, or its platform does not know how", target)
}

// Close stops serving at once. Kept state stays in its folder.
func (s *Server) Close() {
	s.unwatch()
	s.shut()
}

func (s *Server) shut() {
	for _, server := range s.servers {
		server.Close() //nolint:errcheck // closing listeners that serve nobody any more
	}
}

// Wait blocks until the server is closed or its context done. The error is why
// an emulator stopped before that.
func (s *Server) Wait() error { return s.group.Wait() }
