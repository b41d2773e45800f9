package all_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/sandbox"
	emulators "sluice/internal/sandbox/all"
	"sluice/internal/sandbox/identity"
	"sluice/pipeline"
	"sluice/stages"
	"sluice/stages/all"
	"sluice/stages/driver"
)

const several = `
name: shop
stages:
  - name: staging
    targets:
      - {name: api-staging, component: api, apigateway: {restApi: a1b2c3d4e5, stage: staging, region: eu-west-1}}
      - {name: orders-staging, component: orders, lambda: {function: orders, alias: staging, region: eu-west-1}}
      - {name: site-staging, component: site, cloudrun: {project: shop-1234, location: europe-west1, service: site-staging}}
      - {name: jobs-staging, component: jobs, clouddeploy: {project: shop-1234, location: europe-west1, deliveryPipeline: jobs, target: staging}}
      - {name: web-staging, component: web, heroku: {app: web-staging}}
  - name: production
    identity:
      aws: {role: "arn:aws:iam::111122223333:role/everything"}
      google: {impersonate: deploy@shop-1234.iam.gserviceaccount.com, provider: projects/1/locations/global/workloadIdentityPools/github/providers/shop}
    targets:
      - {name: api, component: api, apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}, identity: {aws: {role: "arn:aws:iam::444455556666:role/api"}}}
      - {name: orders, component: orders, lambda: {function: orders, alias: live, region: eu-west-1}}
      - {name: site, component: site, cloudrun: {project: shop-1234, location: europe-west1, service: site}}
      - {name: jobs, component: jobs, clouddeploy: {project: shop-1234, location: europe-west1, deliveryPipeline: jobs, target: production}, identity: {google: {impersonate: jobs-deploy@shop-1234.iam.gserviceaccount.com, provider: projects/1/locations/global/workloadIdentityPools/github/providers/shop}}}
      - {name: web, component: web, heroku: {app: web}, identity: {heroku: {tokenEnv: WEB_KEY}}}
`

func parsed(t *testing.T) *pipeline.Pipeline {
	t.Helper()
	var facts []driver.Facts
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	p, problems := pipeline.Parse("sluice.yaml", []byte(several), facts)
	if pipeline.Failed(problems) {
		t.Fatal(pipeline.Format(problems))
	}
	return p
}

// carried notes as whom each request was made, by what it was about.
type carried struct {
	mu    sync.Mutex
	bore  map[string]map[string]int // by part of a path, what was borne
	about []string
}

func (c *carried) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	for _, part := range c.about {
		if strings.Contains(r.URL.Path+"/", part) {
			if c.bore[part] == nil {
				c.bore[part] = map[string]int{}
			}
			c.bore[part][who(r)]++
			break
		}
	}
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// who is the credential that a request bears.
func who(r *http.Request) string {
	authorization := r.Header.Get("Authorization")
	if _, scope, signed := strings.Cut(authorization, "Credential="); signed {
		id, _, _ := strings.Cut(scope, "/")
		return id
	}
	return strings.TrimPrefix(authorization, "Bearer ")
}

// Targets of one pipeline with identities of their own are asked as these in one run,
// each as its own and none as another's, and each identity gets its credentials once.
func TestIdentitiesDoNotMix(t *testing.T) {
	p := parsed(t)
	service := identity.New([]*pipeline.Pipeline{p}, time.Now, nil)
	server, err := sandbox.Start(t.Context(), sandbox.Options{Emulators: emulators.Emulators(time.Now), Pipelines: []*pipeline.Pipeline{p}, Identity: service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	nothing := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{"AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing, "AWS_PROFILE": "", "GOOGLE_APPLICATION_CREDENTIALS": ""} {
		t.Setenv(name, value)
	}
	// The order matters: a path is told by the first part that it has.
	c := &carried{bore: map[string]map[string]int{}, about: []string{
		"/stages/prod/", "/stages/staging/", "/aliases/live/", "/aliases/staging/", "/services/site/", "/services/site-staging/", "/deliveryPipelines/jobs/", "/apps/web/", "/apps/web-staging/",
	}}
	env := server.Env()
	getenv := func(name string) string {
		if value, ok := env[name]; ok {
			return value
		}
		return os.Getenv(name)
	}
	s := stages.New(driver.Env{Getenv: getenv, Transport: c}, all.Platforms()...).As(p.AsOf)
	var production []driver.Target
	for _, target := range p.Stages[1].Targets {
		production = append(production, target.Driver())
	}
	var staging []driver.Target
	for _, target := range p.Stages[0].Targets {
		if target.Platform.Platform != "clouddeploy" { // one pipeline's lists serve both of its targets
			staging = append(staging, target.Driver())
		}
	}
	for _, list := range [][]driver.Target{production, staging, production} {
		live, errs := s.Live(t.Context(), list)
		for i := range list {
			if errs[i] != nil || live[i].Release.ID == "" {
				t.Fatalf("%s: %+v, %v", list[i].Name, live[i], errs[i])
			}
		}
	}
	for part, want := range map[string]string{
		"/stages/prod/":            identity.KeyOf("arn:aws:iam::444455556666:role/api"),
		"/stages/staging/":         env["AWS_ACCESS_KEY_ID"],
		"/aliases/live/":           identity.KeyOf("arn:aws:iam::111122223333:role/everything"),
		"/aliases/staging/":        env["AWS_ACCESS_KEY_ID"],
		"/services/site/":          identity.TokenOf("deploy@shop-1234.iam.gserviceaccount.com"),
		"/services/site-staging/":  "",
		"/deliveryPipelines/jobs/": identity.TokenOf("jobs-deploy@shop-1234.iam.gserviceaccount.com"),
		"/apps/web/":               env["WEB_KEY"],
		"/apps/web-staging/":       env["HEROKU_API_KEY"],
	} {
		if bore := c.bore[part]; len(bore) != 1 || bore[want] == 0 {
			t.Errorf("requests about %s bore %v, want %q alone", part, bore, want)
		}
	}
	asked := map[string]int{}
	for _, a := range service.Asked() {
		asked[a.Who]++
	}
	for name, want := range map[string]int{
		"arn:aws:iam::444455556666:role/api": 1, "arn:aws:iam::111122223333:role/everything": 1,
		"deploy@shop-1234.iam.gserviceaccount.com": 1, "jobs-deploy@shop-1234.iam.gserviceaccount.com": 1,
		"projects/1/locations/global/workloadIdentityPools/github/providers/shop": 2, // one exchange each
	} {
		if asked[name] != want {
			t.Errorf("%s was asked as %d times, want %d: %v", name, asked[name], want, asked)
		}
	}
	for _, part := range []string{"WEB_KEY", "ACTIONS_ID_TOKEN_REQUEST_URL"} {
		if env[part] == "" {
			t.Errorf("the sandbox has no %s", part)
		}
	}
}

// What an identity cannot be is refused where it stands.
func TestIdentityIsChecked(t *testing.T) {
	var facts []driver.Facts
	for _, p := range all.Platforms() {
		facts = append(facts, p.Facts)
	}
	for name, c := range map[string]struct{ identity, want string }{
		"no role":          {"{aws: {role: deploy}}", "sluice.yaml:6:41: role: \"deploy\" is not valid; want the ARN of a role"},
		"nobody":           {"{aws: {}}", "sluice.yaml:6:34: aws: it names nobody; give role or profile"},
		"nobody at all":    {"{}", "sluice.yaml:6:28: identity: it names nobody"},
		"not its vendor":   {"{heroku: {tokenEnv: KEY}}", "sluice.yaml:6:37: identity: nothing here asks heroku"},
		"unknown":          {"{azure: {}}", "sluice.yaml:6:29: unknown key \"azure\""},
		"unknown key":      {"{aws: {roles: x}}", "unknown key \"roles\""},
		"no variable":      {"{heroku: {tokenEnv: \"my key\"}}", "tokenEnv: \"my key\" is not valid; want the name of an environment variable"},
		"no account":       {"{google: {impersonate: somebody}}", "impersonate: \"somebody\" is not valid; want the e-mail address of a service account"},
		"of which none is": {"{google: {provider: projects/x}}", "provider: \"projects/x\" is not valid; want a workload identity provider"},
	} {
		t.Run(name, func(t *testing.T) {
			text := `name: shop
stages:
  - name: production
    targets:
      - name: api
        identity: ` + strings.Repeat(" ", 9) + c.identity + `
        apigateway: {restApi: a1b2c3d4e5, stage: prod, region: eu-west-1}
`
			_, problems := pipeline.Parse("sluice.yaml", []byte(text), facts)
			if told := pipeline.Format(problems); !pipeline.Failed(problems) || !strings.Contains(told, c.want) {
				t.Errorf("%s\nwant %s", told, c.want)
			}
		})
	}
}
