package clouddeploy

import (
	"maps"
	"slices"
	"strings"

	"sluice/stages/driver"
	"sluice/stages/google"
)

// byHand is the call with gcloud.
func (p *draft) byHand(f frozen) string {
	rollout, release := google.Last(f.Rollout), releaseOf(f.Rollout)
	words := []string{"gcloud", "deploy"}
	switch p.call.Kind {
	case driver.Deploy:
		words = append(words, "releases", "promote", "--release="+release, "--to-target="+p.at.Target, "--rollout-id="+rollout)
		words = append(words, p.labelled()...) // gcloud has no description for it
	case driver.Rollback:
		words = append(words, "targets", "rollback", p.at.Target, "--release="+release, "--rollout-id="+rollout)
		if d := p.change.Options.Description; d != "" {
			words = append(words, "--description="+d)
		}
		words = append(words, p.labelled()...)
	case driver.Terminate:
		words = append(words, "job-runs", "terminate", google.Last(f.JobRun), "--release="+release, "--rollout="+rollout)
	default:
		words = append(words, "rollouts", verb(p.call.Kind), rollout, "--release="+release)
		if f.Phase != "" {
			words = append(words, "--phase-id="+f.Phase)
		}
		if f.Job != "" {
			words = append(words, "--job-id="+f.Job)
		}
	}
	words = append(words, "--delivery-pipeline="+p.at.DeliveryPipeline, "--region="+p.at.Location, "--project="+p.at.Project)
	if len(f.Policies) > 0 {
		words = append(words, "--override-deploy-policies="+strings.Join(ids(f.Policies), ","))
	}
	return driver.Shell(words...)
}

// ids are the policies as gcloud names them.
func ids(policies []string) []string {
	names := make([]string, len(policies))
	for i, p := range policies {
		names[i] = google.Last(p)
	}
	return names
}

// labelled are the flags for a rollout's labels and annotations.
func (p *draft) labelled() []string {
	var words []string
	if pairs := joined(p.change.Options.Labels); pairs != "" {
		words = append(words, "--labels="+pairs)
	}
	if pairs := joined(p.change.Options.Annotations); pairs != "" {
		words = append(words, "--annotations="+pairs)
	}
	return words
}

// joined is a mapping as gcloud's flags take it. A value with a comma names
// another sign between the pairs (gcloud topic escaping).
func joined(pairs map[string]string) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		all = append(all, key+"="+pairs[key])
	}
	plain := strings.Join(all, ",")
	if strings.Count(plain, ",") == max(0, len(all)-1) {
		return plain
	}
	between := "|"
	for strings.Contains(plain, between) {
		between += "|"
	}
	return "^" + between + "^" + strings.Join(all, between)
}

// verb is a command's name in gcloud.
func verb(k driver.Kind) string {
	switch k {
	case driver.RetryJob:
		return "retry-job"
	case driver.IgnoreJob:
		return "ignore-job"
	default:
		return string(k)
	}
}
