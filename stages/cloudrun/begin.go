package cloudrun

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// mask are the fields that the PATCH changes. Without one it would replace the service.
func (f frozen) mask() string {
	if f.Revision != "" {
		return "template,traffic"
	}
	return "traffic"
}

// requests are the request, for people.
func (f frozen) requests(at place) []string {
	text, _ := json.Marshal(f.After.Traffic) //nolint:errchkjson // plain data
	line := fmt.Sprintf("PATCH %s?updateMask=%s {traffic: %s}", at.path(), f.mask(), text)
	if f.Revision != "" {
		line = fmt.Sprintf("PATCH %s?updateMask=%s {template: the service's own, with revision %s and image %s, traffic: %s}", at.path(), f.mask(), f.Revision, f.Image, text)
	}
	return []string{line}
}

// commands are the same with gcloud, which makes a revision and moves traffic by two
// commands.
func (f frozen) commands(at place) []string {
	where := []string{"--project=" + at.Project, "--region=" + at.Location}
	var lines []string
	if f.Revision != "" {
		suffix := strings.TrimPrefix(f.Revision, at.Service+"-")
		lines = append(lines, driver.Shell(append([]string{"gcloud", "run", "services", "update", at.Service, "--image=" + f.Image, "--revision-suffix=" + suffix, "--no-traffic"}, where...)...))
	}
	to := "--to-latest"
	if f.After.Latest == "" {
		var shares []string
		for _, h := range f.After.shares() {
			shares = append(shares, h.revision+"="+strconv.Itoa(h.percent))
		}
		to = "--to-revisions=" + strings.Join(shares, ",")
	}
	return append(lines, driver.Shell(append([]string{"gcloud", "run", "services", "update-traffic", at.Service, to}, where...)...))
}

// thaw reads what Prepare froze.
func thaw(c driver.Call) (driver.Change, place, frozen, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return driver.Change{}, place{}, f, google.OneChange(c)
	}
	if err := json.Unmarshal(c.Data, &f); err != nil {
		return driver.Change{}, place{}, f, &google.InvalidError{Text: fmt.Sprintf("the call was not prepared: %v", err)}
	}
	at, err := placeOf(c.Changes[0].Target)
	return c.Changes[0], at, f, err
}

// Begin sends the one PATCH, under the etag that Prepare read. A template is read
// right before: it may hold secrets, so that state does not keep it; the etag says
// that it is the one that was read.
func (d *services) Begin(ctx context.Context, c driver.Call) (driver.Operation, error) {
	change, at, f, err := thaw(c)
	if err != nil {
		return driver.Operation{}, err
	}
	body := map[string]any{"name": strings.TrimPrefix(at.path(), root), "etag": f.Etag, "traffic": f.After.Traffic}
	if f.Revision != "" {
		s, err := d.service(ctx, at)
		if err != nil {
			return driver.Operation{}, err
		}
		if body["template"], err = revised(s.Template, f.Revision, f.Image); err != nil {
			return driver.Operation{}, err
		}
	}
	raw, err := d.client.Send(ctx, http.MethodPatch, at.path(), url.Values{"updateMask": {f.mask()}}, body)
	if err != nil {
		return driver.Operation{}, err
	}
	var working struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal(raw, &working); err != nil {
		return driver.Operation{}, google.NoAnswer("PATCH "+at.path(), "%w", err)
	}
	return d.open(c.Kind, change, working.Name), nil
}

// open is an operation under way.
func (d *services) open(kind driver.Kind, change driver.Change, name string) driver.Operation {
	return driver.Operation{
		ID: name, Kind: string(kind), Status: driver.Running, Inserted: d.now(),
		Results: map[string]driver.Result{change.Target.Name: {Outcome: driver.Open}},
	}
}

// Lookup compares the traffic that the service is asked for with what stood before
// the call and what it makes.
func (d *services) Lookup(ctx context.Context, c driver.Call) (driver.Verdict, driver.Operation, error) {
	change, at, f, err := thaw(c)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	s, err := d.service(ctx, at)
	if err != nil {
		return driver.Undecided, driver.Operation{}, err
	}
	stands := s.asked()
	switch {
	case stands.same(f.After):
		return driver.Found, d.open(c.Kind, change, ""), nil
	case !stands.same(f.Before):
		op, err := d.end(ctx, d.open(c.Kind, change, ""), c, s, "somebody else changed the traffic: it is "+stands.String()+", not "+f.After.String()+" as was to be made")
		return driver.ForeignChange, op, err
	case d.now().Before(c.Intended.Add(settle)):
		return driver.Undecided, driver.Operation{}, nil
	default:
		return driver.Absent, driver.Operation{}, nil
	}
}

// Poll reads the service: it is done when it serves what was asked for. The
// operation says neither that nor the opposite.
func (d *services) Poll(ctx context.Context, op driver.Operation) (driver.Operation, time.Duration, error) {
	if op.Status == driver.Done {
		return op, 0, nil
	}
	_, at, f, err := thaw(op.Call)
	if err != nil {
		return op, 0, err
	}
	s, err := d.service(ctx, at)
	if err != nil {
		return op, google.RetryAfter(err), err
	}
	message := ""
	switch {
	case !s.asked().same(f.After) && !s.asked().same(f.Before):
		message = "somebody else changed the traffic: it is " + s.asked().String() + ", not " + f.After.String()
	case !s.settled() || s.asked().same(f.Before) && !f.After.same(f.Before):
		return op, 0, nil
	case s.Terminal.State == broken:
		message = s.Terminal.Message
	case s.Terminal.State != succeeded || !s.served().same(f.After):
		return op, 0, nil
	}
	next, err := d.end(ctx, op, op.Call, s, message)
	return next, 0, err
}

// end is an operation that is over: failed where a message says why.
func (d *services) end(ctx context.Context, op driver.Operation, c driver.Call, s service, message string) (driver.Operation, error) {
	change, at, _, err := thaw(c)
	if err != nil {
		return op, err
	}
	stands := s.asked()
	r := driver.Result{Outcome: driver.Succeeded, Release: change.Release}
	if message != "" {
		r = driver.Result{Outcome: driver.Failed, Errors: []driver.Problem{{Message: message}}}
		if shares := s.served().shares(); len(shares) > 0 {
			if r.Release, err = d.released(ctx, at, shares[0].revision); err != nil {
				return op, err
			}
		}
	}
	if r.After, err = json.Marshal(stands); err != nil {
		return op, err
	}
	op.Status, op.Progress, op.Ended = driver.Done, 100, d.now()
	op.Results = map[string]driver.Result{change.Target.Name: r}
	return op, nil
}
