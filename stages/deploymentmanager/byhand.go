package deploymentmanager

import (
	"encoding/json"
	"fmt"
	"net/http"

	"sluice/stages/driver"
)

// byHand is the call with gcloud, where that has a command for it. What another
// deployment's manifest holds is sent with curl and jq: gcloud takes a
// configuration from files alone.
func (p *draft) byHand(f frozen) ([]string, error) {
	deployments := []string{"gcloud", "deployment-manager", "deployments"}
	switch p.call.Kind {
	case driver.Approve: // without a configuration, an update deploys what was previewed
		return []string{driver.Shell(append(deployments, "update", p.at.Deployment, "--project="+p.at.Project, "--fingerprint="+f.Fingerprint)...)}, nil
	case driver.Reject:
		return []string{driver.Shell(append(deployments, "cancel-preview", p.at.Deployment, "--project="+p.at.Project, "--fingerprint="+f.Fingerprint)...)}, nil
	case driver.Terminate:
		return []string{driver.Shell(append(deployments, "stop", p.at.Deployment, "--project="+p.at.Project, "--fingerprint="+f.Fingerprint)...)}, nil
	}
	wanted, err := json.Marshal(f.wanted(p.at, nil))
	if err != nil {
		return nil, err
	}
	from := place{Project: f.Project, Deployment: f.Deployment}
	method, to := http.MethodPut, p.at.deployment()
	if f.Insert {
		method, to = http.MethodPost, p.at.global()+"deployments"
	}
	if f.Preview {
		to += "?preview=true"
	}
	const curl = `curl -sSf -H "Authorization: Bearer $(gcloud auth print-access-token)" `
	read := curl + driver.Shell(p.base+from.manifests()+"/"+f.Manifest)
	body := driver.Shell("jq", fmt.Sprintf("%s + {target: {config, imports}}", wanted))
	send := curl + driver.Shell("-X", method, "-H", "Content-Type: application/json", "--data-binary", "@-", p.base+to)
	return []string{read + " | " + body + " | " + send}, nil
}
