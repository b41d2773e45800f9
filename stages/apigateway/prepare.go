package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"sluice/stages/apigateway/patch"
	"sluice/stages/driver"
)

// Prepare reads the stage once, unless Live did a moment ago, and works out the
// operations and the stage that they make.
func (g *gateway) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	change := c.Changes[0]
	at, err := g.place(change.Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	if f := g.otherAPI(at, change); f != nil {
		return driver.Prepared{Call: c, Findings: []driver.Finding{*f}}, nil
	}
	stands, err := g.stands(ctx, at, change)
	if err != nil {
		return driver.Prepared{}, err
	}
	var leads domain
	if looksAtTesters(c.Kind, change) {
		if stands.Testers, err = g.testers(ctx, at, change); err != nil {
			return driver.Prepared{}, err
		}
	}
	if c.Kind == driver.Host || c.Kind == driver.Route {
		if leads, err = g.domain(ctx, at, change.Header); err != nil {
			return driver.Prepared{}, err
		}
	}
	at.Region = at.regionOr(g)
	p, err := plan(c.Kind, change, stands, at, leads)
	if err != nil {
		return driver.Prepared{}, err
	}
	return p.prepared(c, at, stands)
}

// looksAtTesters reports whether what stands for testers counts. What goes back does
// not depend on it: the domain may be gone.
func looksAtTesters(kind driver.Kind, change driver.Change) bool {
	forward := kind == driver.Weight || kind == driver.Stable
	return change.Header != nil && (forward || isForTesters(kind))
}

// stands is the stage as it stands, or stood when Live read it for this change.
func (g *gateway) stands(ctx context.Context, at place, change driver.Change) (patch.Stage, error) {
	if change.Stands == nil {
		return g.read(ctx, at)
	}
	return decode("what was read of the target", change.Stands)
}

// otherAPI refuses a source of another API: its deployments are unknown here.
func (g *gateway) otherAPI(at place, change driver.Change) *driver.Finding {
	if change.Source == nil {
		return nil
	}
	from, err := g.place(*change.Source)
	if err == nil && from.RestAPI == at.RestAPI && from.regionOr(g) == at.regionOr(g) {
		return nil
	}
	return refusal(change,
		fmt.Sprintf("a deployment belongs to one REST API, and the source %s is on another: %s, not %s", change.Source.Name, from.RestAPI, at.RestAPI),
		"make both targets stages of the same restApi and region, or deploy the other API by itself")
}

func (at place) regionOr(g *gateway) string {
	if at.Region != "" {
		return at.Region
	}
	return g.client.Options().Region
}

// prepared freezes an intent.
func (p intent) prepared(c driver.Call, at place, stands patch.Stage) (driver.Prepared, error) {
	name := c.Changes[0].Target.Name
	out := driver.Prepared{Call: c}
	before, err := json.Marshal(stands)
	if err != nil {
		return out, err
	}
	out.Before = map[string]json.RawMessage{name: before}
	out.Runs = map[string]driver.Release{name: {ID: stands.DeploymentID}}
	if p.stop != nil {
		out.Findings = []driver.Finding{*p.stop}
		return out, nil
	}
	out.Findings, out.Next = p.notes, p.next
	if p.testers != nil {
		after := stands
		after.Testers = p.testers
		return out, p.freeze(&out, at, frozen{Before: stands, Operations: p.operations, After: after})
	}
	if len(p.operations) == 0 {
		out.Unchanged, out.After, out.Call.Changes = []string{name}, out.Before, nil
		return out, nil
	}
	after, err := patch.Predict(stands, p.operations, nil)
	if err != nil {
		out.Findings = []driver.Finding{*refusal(c.Changes[0], "API Gateway would refuse it: "+err.Error(), "")}
		return out, nil
	}
	return out, p.freeze(&out, at, frozen{Before: stands, Operations: p.operations, After: after})
}

func (p intent) freeze(out *driver.Prepared, at place, f frozen) error {
	change := out.Call.Changes[0]
	if change.Release.ID != p.release {
		change.Release = driver.Release{ID: p.release}
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	after, err := json.Marshal(f.After)
	out.Call.Changes = []driver.Change{change}
	out.Call.Data = data
	out.After = map[string]json.RawMessage{change.Target.Name: after}
	if err != nil {
		return err
	}
	if isForTesters(out.Call.Kind) {
		return forTesters(out, at, change, f)
	}
	out.Requests = []string{patchRequest(at, f.Operations)}
	out.Commands, err = commands(at, f.Operations)
	return err
}

func patchRequest(at place, ops []patch.Operation) string {
	lines := make([]string, len(ops))
	for i, op := range ops {
		lines[i] = op.String()
	}
	return fmt.Sprintf("PATCH /restapis/%s/stages/%s [%s]", at.RestAPI, at.Stage, strings.Join(lines, ", "))
}

// commands are the request with AWS's own client. Unlike the request they show
// variables' values: without them they would set something else.
func commands(at place, ops []patch.Operation) ([]string, error) {
	document, err := json.Marshal(ops)
	if err != nil {
		return nil, err
	}
	return []string{driver.Shell("aws", "apigateway", "update-stage", "--region", at.Region,
		"--rest-api-id", at.RestAPI, "--stage-name", at.Stage, "--patch-operations", string(document))}, nil
}
