package entrecode

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"sluice/stages/driver"
)

// standing is what runs on a place, by its deployments.
type standing struct {
	current *deployment  // the newest successful one that covers the targets; nil where there is none
	build   string       // current's; "" where nothing runs, or where the build was deleted and is not named
	partial []deployment // newer successful ones to some of the targets
	open    []deployment // newer ones that run, or whose end nobody understands
	failed  []deployment // newer ones that failed, and may have changed some of the targets
	mark    watermark
	all     []deployment // newest first
}

// settled reports whether the current deployment was the last to touch the
// targets: only then is it certain that they run its build.
func (s *standing) settled() bool {
	return s.current != nil && len(s.partial)+len(s.open)+len(s.failed) == 0
}

// stand finds out what runs on p.
func (v *session) stand(ctx context.Context, p *place) (*standing, error) {
	all, err := v.deployments(ctx, p)
	if err != nil {
		return nil, err
	}
	s := &standing{mark: markOf(all), all: all}
	for _, d := range all {
		targets, err := v.goesTo(ctx, d)
		if err != nil {
			return nil, err
		}
		if !touches(targets, p.TargetIDs) {
			continue
		}
		if d.status == statusSuccess && covers(targets, p.TargetIDs) {
			s.current = &d
			s.build, err = v.buildID(ctx, d)
			if gone, ok := errors.AsType[*missing](err); ok && gone.what == "build" {
				err = nil
			}
			return s, err
		}
		s.note(d)
	}
	return s, nil
}

// note sorts in a deployment that is newer than the current one.
func (s *standing) note(d deployment) {
	switch d.status {
	case statusSuccess:
		s.partial = append(s.partial, d)
	case statusError:
		s.failed = append(s.failed, d)
	default:
		s.open = append(s.open, d)
	}
}

// touches reports whether a deployment to the given targets reaches one of
// wanted.
func touches(targets, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(id string) bool { return slices.Contains(targets, id) })
}

// covers reports whether the given targets have all of wanted; a platform that
// does not name its targets may have any.
func covers(targets, wanted []string) bool {
	return len(targets) == 0 || !slices.ContainsFunc(wanted, func(id string) bool { return !slices.Contains(targets, id) })
}

// snapshot is what stands, as it is kept in the state: the baseline of a
// rollback.
type snapshot struct {
	BuildID    string   `json:"buildID"`
	PlatformID string   `json:"platformID,omitempty"`
	TargetIDs  []string `json:"targetIDs,omitempty"`
}

// snapshot is the place with a build on it, as JSON; null where none is.
func (p *place) snapshot(build string) json.RawMessage {
	if build == "" {
		return json.RawMessage("null")
	}
	data, err := json.Marshal(snapshot{build, p.PlatformID, p.TargetIDs})
	if err != nil { // strings always marshal
		return nil
	}
	return data
}

// buildOf is the build of a snapshot, "" where it has none.
func buildOf(data json.RawMessage) string {
	var s snapshot
	_ = json.Unmarshal(data, &s) // nothing, or not ours: no build
	return s.BuildID
}

// releaseOf is a build as a release. A build that could not be read has no
// time.
func releaseOf(id string, build *resource) driver.Release {
	r := driver.Release{ID: id}
	if build != nil {
		r.CreateTime = looseTime(build.fields["started"])
	}
	return r
}
