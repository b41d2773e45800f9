package ecs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"sluice/stages/amazon"
	"sluice/stages/driver"
)

// frozen is what Prepare hands to Begin, Lookup and Poll in Call.Data.
type frozen struct {
	Definition string    `json:"definition,omitempty"` // Deploy, Rollback: the task definition, "family:revision"
	Before     string    `json:"before,omitempty"`     // what the service ran when the call was prepared; "" for nothing
	Newest     string    `json:"newest,omitempty"`     // the service's newest deployment before, by ARN; "" for none
	After      time.Time `json:"after,omitzero"`       // newer deployments than this are looked for, by ECS's clock
	Deployment string    `json:"deployment,omitempty"` // the deployment that a command is for, by ARN
	Hook       string    `json:"hook,omitempty"`       // Approve, Advance: the pause that is ended
}

// standing is what a service runs, as state keeps it.
type standing struct {
	Release string `json:"release"`
}

func (s standing) json() json.RawMessage {
	if s.Release == "" {
		return json.RawMessage("null")
	}
	data, _ := json.Marshal(s) //nolint:errchkjson // a string
	return data
}

// thaw reads what Prepare froze.
func (d *services) thaw(c driver.Call) (driver.Change, place, frozen, error) {
	var f frozen
	if len(c.Changes) != 1 {
		return driver.Change{}, place{}, f, oneChange(c)
	}
	if err := json.Unmarshal(c.Data, &f); err != nil || f.Definition == "" && f.Deployment == "" {
		return driver.Change{}, place{}, f, &amazon.InvalidError{Text: "the call was not prepared"}
	}
	at, err := d.place(c.Changes[0].Target)
	return c.Changes[0], at, f, err
}

func oneChange(c driver.Call) error {
	return &amazon.InvalidError{Text: fmt.Sprintf("a call has one change, this one %d", len(c.Changes))}
}

// draft is a call on its way through Prepare.
type draft struct {
	call     driver.Call
	change   driver.Change
	at       place
	seen     observed
	findings []driver.Finding
}

func (p *draft) find(s driver.Severity, message, remedy string) {
	p.findings = append(p.findings, driver.Finding{Target: p.change.Target.Name, Severity: s, Message: message, Remedy: remedy})
}

func (p *draft) refuse(message, remedy string) { p.find(driver.Refuse, message, remedy) }

func (p *draft) refused() bool {
	return slices.ContainsFunc(p.findings, func(f driver.Finding) bool { return f.Severity == driver.Refuse })
}

// Prepare checks a call and freezes what it needs.
func (d *services) Prepare(ctx context.Context, c driver.Call) (driver.Prepared, error) {
	if len(c.Changes) != 1 {
		return driver.Prepared{}, oneChange(c)
	}
	at, err := d.place(c.Changes[0].Target)
	if err != nil {
		return driver.Prepared{}, err
	}
	o, err := d.observe(ctx, at)
	if err != nil {
		return driver.Prepared{}, err
	}
	p := &draft{call: c, change: c.Changes[0], at: at, seen: o}
	if c.Kind.IsCommand() {
		return d.prepareCommand(ctx, p)
	}
	return d.prepareUpdate(ctx, p)
}

// prepareUpdate prepares the deployment of a task definition: the promoted one, or
// the one to go back to.
func (d *services) prepareUpdate(ctx context.Context, p *draft) (driver.Prepared, error) {
	p.checkService()
	p.checkForeign()
	id := p.change.Release.ID
	if !isPinned(id) {
		p.refuse(fmt.Sprintf("%q is no task definition with its revision", id), "name one, such as web:42")
	}
	if p.seen.runs == id && p.seen.current == nil && !p.refused() {
		return p.unchanged(), nil
	}
	if p.seen.current != nil && !p.refused() {
		return driver.Prepared{}, p.seen.busy()
	}
	if err := d.checkDefinition(ctx, p, id); err != nil {
		return driver.Prepared{}, err
	}
	if p.refused() {
		return p.stopped(), nil
	}
	p.notes()
	f := frozen{Definition: id, Before: p.seen.runs}
	var err error
	if f.Newest, f.After, err = d.watermark(ctx, p.at); err != nil {
		return driver.Prepared{}, err
	}
	return p.freeze(f, fmt.Sprintf("UpdateService {cluster: %s, service: %s, taskDefinition: %s}", p.at.Cluster, p.at.Service, id), driver.Shell(
		"aws", "ecs", "update-service", "--cluster", p.at.Cluster, "--service", p.at.Service, "--task-definition", id, "--region", p.at.Region))
}

// lookBack is how far our clock and ECS's may differ.
const lookBack = time.Hour

// watermark is the newest deployment that a service has, and a time after which newer
// ones are looked for.
func (d *services) watermark(ctx context.Context, at place) (string, time.Time, error) {
	after := d.now().Add(-lookBack).UTC().Truncate(time.Second)
	had, err := d.newer(ctx, at, after)
	if err != nil || len(had) == 0 {
		return "", after, err
	}
	newest := had[len(had)-1]
	return aws.ToString(newest.ServiceDeploymentArn), newest.CreatedAt.UTC(), nil
}

// checkService refuses a service that ECS does not deploy by itself.
func (p *draft) checkService() {
	s := p.seen.service
	switch controller := controllerOf(s); {
	case controller == string(types.DeploymentControllerTypeCodeDeploy):
		p.refuse("the service is deployed by AWS CodeDeploy: ECS refuses a new task definition there", "give the service the deployment controller ECS, which has blue/green, linear and canary deployments of its own")
	case controller != string(types.DeploymentControllerTypeEcs):
		p.refuse("the service has the deployment controller "+controller+": somebody else's program deploys it", "give the service the deployment controller ECS")
	}
	if status := aws.ToString(s.Status); status != active {
		p.refuse("the service is "+status, "make it anew")
	}
}

// checkForeign compares what runs with what our last effect left.
func (p *draft) checkForeign() {
	if len(p.change.Expected) == 0 || p.change.Options.Resolved {
		return
	}
	var expected standing
	if err := json.Unmarshal(p.change.Expected, &expected); err != nil || expected.Release != p.seen.runs {
		p.find(driver.Foreign, "somebody else changed the service: it runs "+p.seen.runs, "")
	}
}

// checkDefinition refuses a task definition that is not there, or not any more.
func (d *services) checkDefinition(ctx context.Context, p *draft, id string) error {
	if !isPinned(id) {
		return nil
	}
	t, err := d.taskDefinition(ctx, p.at.Region, id)
	if d.isNotFound(err) {
		p.refuse(fmt.Sprintf("there is no task definition %s in %s", id, p.at.Region), "register it there, or promote another release")
		return nil
	}
	if err != nil {
		return err
	}
	if t.Status != types.TaskDefinitionStatusActive {
		p.refuse(fmt.Sprintf("task definition %s is %s: ECS does not deploy it any more", id, t.Status), "register its content again as a new revision, and promote that")
	}
	if runs := p.seen.runs; familyOf(runs) != familyOf(id) {
		p.find(driver.Note, fmt.Sprintf("the service runs family %s, and %s is another", familyOf(runs), id), "")
	}
	return nil
}

func (d *services) isNotFound(err error) bool {
	return err != nil && d.Explain(err).Code == driver.NotFound
}

// busy says what goes on.
func (o observed) busy() error {
	return &busyError{text: fmt.Sprintf("service deployment %s to %s is %s: an update would replace it", last(aws.ToString(o.current.ServiceDeploymentArn)), o.comes, o.current.Status)}
}

// notes say how the deployment will go on, and where it would not end by itself.
func (p *draft) notes() {
	c := p.seen.service.DeploymentConfiguration
	if c == nil {
		return
	}
	for _, h := range c.LifecycleHooks {
		if h.TargetType != types.DeploymentLifecycleHookTargetTypePause {
			continue
		}
		var stages []string
		for _, s := range h.LifecycleStages {
			stages = append(stages, string(s))
		}
		minutes, action := int32(1440), types.DeploymentLifecycleHookActionRollback
		if t := h.TimeoutConfiguration; t != nil {
			if t.TimeoutInMinutes != nil {
				minutes = *t.TimeoutInMinutes
			}
			if t.Action != "" {
				action = t.Action
			}
		}
		p.find(driver.Note, fmt.Sprintf("the deployment pauses at %s; after %d minutes ECS does %s by itself", strings.Join(stages, ", "), minutes, action), "")
	}
	guarded := c.DeploymentCircuitBreaker != nil && c.DeploymentCircuitBreaker.Enable || c.Alarms != nil && c.Alarms.Enable
	if !guarded && (c.Strategy == "" || c.Strategy == types.DeploymentStrategyRolling) {
		p.find(driver.Warn, "the service has no deployment circuit breaker and no alarms: a deployment whose tasks never get healthy does not end by itself", "turn the circuit breaker on, with rollback")
	}
}

// freeze completes a call.
func (p *draft) freeze(f frozen, request, command string) (driver.Prepared, error) {
	out := p.stopped()
	data, err := json.Marshal(f)
	if err != nil {
		return out, err
	}
	out.Call.Data, out.Call.Changes = data, []driver.Change{p.change}
	after := standing{Release: f.Definition}
	if f.Definition == "" {
		after.Release = p.seen.runs
	}
	out.After = map[string]json.RawMessage{p.change.Target.Name: after.json()}
	out.Requests, out.Commands = []string{request}, []string{command}
	return out, nil
}

// stopped says what speaks against the call.
func (p *draft) stopped() driver.Prepared {
	name := p.change.Target.Name
	out := driver.Prepared{Call: p.call, Findings: p.findings, Before: map[string]json.RawMessage{name: standing{Release: p.seen.runs}.json()}}
	if p.seen.runs == "" {
		out.First = []string{name}
		return out
	}
	out.Runs = map[string]driver.Release{name: {ID: p.seen.runs}}
	return out
}

// unchanged says that nothing is left to do.
func (p *draft) unchanged() driver.Prepared {
	out := p.stopped()
	out.After, out.Unchanged, out.Call.Changes = out.Before, []string{p.change.Target.Name}, nil
	return out
}

// familyOf is a task definition without its revision.
func familyOf(definition string) string {
	family, _, _ := strings.Cut(definition, ":")
	return family
}
