package app

import (
	"slices"

	"sluice/stages"
)

// credentialNames are the environment variables whose values are credentials:
// those of GitHub and its runner, of the clouds that state and identities come
// from, and of every platform there is, used by this pipeline or not. A check may
// print any of them.
func credentialNames(platforms []stages.Platform) []string {
	names := []string{
		"GITHUB_TOKEN", "GH_TOKEN", "INPUT_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN",
	}
	for _, p := range platforms {
		names = append(names, p.Facts.Secrets...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
