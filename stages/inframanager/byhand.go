package inframanager

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"sluice/stages/driver"
)

// request is what Begin sends, for people.
func (p *draft) request(f frozen) string {
	kept := "the deployment"
	if f.Kept != "" {
		kept = "revision " + f.Kept
	}
	switch f.Do {
	case drop:
		return "DELETE " + p.at.preview(f.Preview)
	case propose:
		return fmt.Sprintf("POST %s/previews?previewId=%s {deployment: %s, source: %s, given what %s is}", p.at.location(), f.Preview, p.at.Deployment, f.Release, kept)
	default:
		return fmt.Sprintf("PATCH %s?updateMask=terraformBlueprint {source: %s, given what %s is}", p.at.deployment(), f.Release, kept)
	}
}

// byHand is the call with gcloud, where that has a command for it. gcloud's own
// `apply` replaces everything that a deployment has, so an update of the blueprint
// alone is sent with curl and jq; what the blueprint is given is not shown.
func (p *draft) byHand(f frozen) ([]string, error) {
	if f.Do == drop {
		return []string{driver.Shell("gcloud", "infra-manager", "previews", "delete", p.at.preview(f.Preview)[len(root):], "--quiet")}, nil
	}
	s, _ := parseSource(f.Release)
	name, value := s.field()
	source, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		return nil, err
	}
	const curl = `curl -sSf -H "Authorization: Bearer $(gcloud auth print-access-token)" `
	from := p.at.deployment()
	if f.Kept != "" {
		from += "/revisions/" + f.Kept
	}
	wanted := fmt.Sprintf("{terraformBlueprint: (.terraformBlueprint | del(.gcsSource, .gitSource) + %s)}", source)
	query := url.Values{"requestId": {f.Request}}
	method, to := http.MethodPatch, p.at.deployment()
	if f.Do == propose {
		about, err := json.Marshal(p.seen.deployment.proposed(nil))
		if err != nil {
			return nil, err
		}
		wanted = fmt.Sprintf("%s + %s", about, wanted)
		method, to = http.MethodPost, p.at.location()+"/previews"
		query.Set("previewId", f.Preview)
	} else {
		query.Set("updateMask", "terraformBlueprint")
	}
	read := curl + driver.Shell(p.base+from)
	send := curl + driver.Shell("-X", method, "-H", "Content-Type: application/json", "--data-binary", "@-", p.base+to+"?"+query.Encode())
	return []string{read + " | " + driver.Shell("jq", wanted) + " | " + send}, nil
}
