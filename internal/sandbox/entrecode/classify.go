package entrecode

import (
	"fmt"
	"net/http"
	"slices"

	"sluice/internal/sandbox"
	"sluice/internal/sandbox/kit"
)

// Classify implements sandbox.Emulator. A deployment of an older build than the
// one that runs, that ran there before, is a rollback: the API makes no
// difference.
func (e *Emulator) Classify(r *http.Request, _ []byte) sandbox.Action {
	c := e.call(r)
	at := c.locate()
	switch {
	case r.Method == http.MethodPost && at.deployments:
		o, err := c.order(at)
		a := sandbox.Action{Kind: "deploy"}
		if o.platform != nil {
			a.Targets = e.named(o.platform.ID, o.targets)
		}
		if err == nil && e.State.ranBefore(o) {
			a.Kind = "rollback"
		}
		return a
	case r.Method != http.MethodGet:
		return sandbox.Action{Kind: sandbox.Other}
	default:
		return sandbox.Action{Kind: sandbox.Read, Targets: e.concerned(at)}
	}
}

// ranBefore reports whether an order goes back to an earlier build.
func (s *state) ranBefore(o order) bool {
	standing := s.current(o.platform.ID, o.targets)
	if standing == nil || o.build.ID >= standing.Build {
		return false
	}
	return newest(s.Deployments, func(d *deployment) bool {
		return d.Platform == o.platform.ID && d.Build == o.build.ID && d.Status == success && covers(d.Targets, o.targets)
	}) != nil
}

// concerned are the pipeline's targets that an address is about.
func (e *Emulator) concerned(at location) []string {
	switch {
	case at.deployment != nil:
		return e.named(at.deployment.Platform, at.deployment.Targets)
	case at.platform != nil:
		return e.named(at.platform.ID, nil)
	default:
		return nil
	}
}

// named are the pipeline's targets on a platform that share one of the given
// target ids; all on the platform without any.
func (e *Emulator) named(platform string, ids []string) []string {
	var names []string
	for _, s := range e.seats {
		shares := slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(s.Config.TargetIDs, id) })
		if s.Config.PlatformID == platform && (shares || len(ids) == 0) {
			names = append(names, s.Name())
		}
	}
	return names
}

// Intrude implements sandbox.Intruder: somebody builds anew and deploys that to
// the target.
func (e *Emulator) Intrude(name string) error {
	i := slices.IndexFunc(e.seats, func(s kit.Seat[config]) bool { return s.Name() == name })
	if i < 0 {
		return fmt.Errorf("no platform is known for target %q", name)
	}
	t, now := e.seats[i].Config, e.Now().UTC()
	b := e.State.addBuild(t.PlatformID, -1, now)
	b.Finished = now
	d := e.State.addDeployment(b.ID, t.PlatformID, t.TargetIDs, now)
	d.Creator = "stranger@example.com"
	e.State.end(d, now)
	return nil
}
