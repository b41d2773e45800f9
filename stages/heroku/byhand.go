package heroku

import (
	"strings"

	"sluice/stages/driver"
)

// commands are what Begin will send with Heroku's own client, as far as that has
// a command; a release of a slug or of an earlier release is made with curl, which
// takes the client's own credentials out of ~/.netrc.
func (d *deployment) commands(f frozen, parts []part) []string {
	names := d.names()
	var all []string
	in := d.pipelineName()
	for i, c := range couplingsOf(f, parts, in) {
		verb := "pipelines:add"
		if i == 0 && f.Create != "" {
			verb = "pipelines:create"
		}
		all = append(all, driver.Shell("heroku", verb, in, "--app", names[c.App], "--stage", c.Stage))
	}
	if f.Source == nil {
		return append(all, d.releaseByHand(f, parts[0]))
	}
	to := make([]string, len(parts))
	for i, p := range parts {
		to[i] = names[p.App]
	}
	return append(all, driver.Shell("heroku", "pipelines:promote", "--app", names[f.Source.App], "--to", strings.Join(to, ",")))
}

func (d *deployment) releaseByHand(f frozen, p part) string {
	return driver.Shell("curl", "-n", "-sSf", "-X", "POST", d.api.base+path("apps", p.App, "releases"),
		"-H", "Accept: application/vnd.heroku+json; version=3", "-H", "Content-Type: application/json", "-d", string(encode(releaseOf(f, p))))
}

// names are the apps' names by what the call has of each.
func (d *deployment) names() map[string]string {
	names := map[string]string{}
	for _, p := range d.participants() {
		names[p.app.ID] = p.app.Name
	}
	return names
}
