package apigateway_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"sluice/internal/sandbox"
)

// The document's own case: canary 10.5 %, sv1=val2, sv2=val3 over sv1=val1.
func TestDocumentedPromotion(t *testing.T) {
	b := newBench(t)
	got, err := b.patch(
		replace("/canarySettings/deploymentId", b.next),
		replace("/canarySettings/percentTraffic", "10.5"),
		replace("/canarySettings/stageVariableOverrides/sv1", "val2"),
		replace("/canarySettings/stageVariableOverrides/sv2", "val3"),
	)
	b.must(err)
	const canary = "{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:new,Percent:10.5,Overrides:{sv1:val2,sv2:val3}}}"
	if got != canary {
		t.Fatalf("with a canary:\n%s\nwant\n%s", got, canary)
	}
	got, err = b.patch(promotion()...)
	b.must(err)
	const promoted = "{ID:new,Variables:{own:stays,sv1:val2,sv2:val3},Canary:{ID:new,Percent:0,Overrides:{sv1:val2,sv2:val3}}}"
	if got != promoted || b.stage() != promoted {
		t.Fatalf("promoted:\n%s\nread back:\n%s\nwant\n%s", got, b.stage(), promoted)
	}
	got, err = b.patch(remove("/canarySettings"))
	b.must(err)
	if want := "{ID:new,Variables:{own:stays,sv1:val2,sv2:val3}}"; got != want {
		t.Errorf("without its canary:\n%s\nwant\n%s", got, want)
	}
}

func TestUpdateStage(t *testing.T) {
	const plain = "{ID:old,Variables:{own:stays,sv1:val1}}"
	tests := map[string]struct {
		canary bool // stands at 50 % of new with a=1, sv1=x
		ops    func(b bench) []types.PatchOperation
		want   string
	}{
		"no operations": {false, func(bench) []types.PatchOperation { return nil }, plain},
		"a deployment makes a canary of no traffic": {
			false, func(b bench) []types.PatchOperation {
				return []types.PatchOperation{replace("/canarySettings/deploymentId", b.next)}
			},
			"{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:new,Percent:0}}",
		},
		"a percentage makes a canary of the stage's own deployment": {
			false, func(bench) []types.PatchOperation {
				return []types.PatchOperation{replace("/canarySettings/percentTraffic", "50")}
			},
			"{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:old,Percent:50}}",
		},
		"promotion without a canary makes an empty one": {
			false, func(bench) []types.PatchOperation { return promotion() },
			"{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:old,Percent:0}}",
		},
		"overrides make a canary, which a percentage follows": {
			false, func(bench) []types.PatchOperation {
				return []types.PatchOperation{
					replace("/canarySettings/stageVariableOverrides/a", "1"),
					replace("/canarySettings/useStageCache", "true"), replace("/canarySettings/percentTraffic", "5"),
				}
			},
			"{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:old,Percent:5,Overrides:{a:1},Cache:true}}",
		},
		"promotion merges variables": {
			true, func(bench) []types.PatchOperation { return promotion() },
			"{ID:new,Variables:{a:1,own:stays,sv1:x},Canary:{ID:new,Percent:0,Overrides:{a:1,sv1:x}}}",
		},
		"operations apply in order": {
			true, func(b bench) []types.PatchOperation {
				return []types.PatchOperation{
					copyFrom("/canarySettings/stageVariableOverrides", "/variables"),
					replace("/variables/sv1", "last"),
					replace("/canarySettings/stageVariableOverrides/a", "2"),
				}
			},
			"{ID:old,Variables:{a:1,own:stays,sv1:last},Canary:{ID:new,Percent:50,Overrides:{a:2,sv1:x}}}",
		},
		"one override is removed": {
			true, func(bench) []types.PatchOperation {
				return []types.PatchOperation{remove("/canarySettings/stageVariableOverrides/a")}
			},
			"{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:new,Percent:50,Overrides:{sv1:x}}}",
		},
		"the canary's cache": {
			true, func(bench) []types.PatchOperation {
				return []types.PatchOperation{replace("/canarySettings/useStageCache", "true")}
			},
			"{ID:old,Variables:{own:stays,sv1:val1},Canary:{ID:new,Percent:50,Overrides:{a:1,sv1:x},Cache:true}}",
		},
		"every sign that a variable may have": {
			true, func(bench) []types.PatchOperation {
				return []types.PatchOperation{
					replace("/variables/Az_09", "Az09-._~:/?#=,"),
					replace("/canarySettings/stageVariableOverrides/_", ","), remove("/variables/own"),
				}
			},
			"{ID:old,Variables:{Az_09:Az09-._~:/?#=,,sv1:val1},Canary:{ID:new,Percent:50,Overrides:{_:,,a:1,sv1:x}}}",
		},
		"a stage moves": {
			false, func(b bench) []types.PatchOperation { return []types.PatchOperation{replace("/deploymentId", b.next)} },
			"{ID:new,Variables:{own:stays,sv1:val1}}",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if test.canary {
				b.makeCanary()
			}
			got, err := b.patch(test.ops(b)...)
			b.must(err)
			if got != test.want || b.stage() != test.want {
				t.Errorf("answered\n%s\nread back\n%s\nwant\n%s", got, b.stage(), test.want)
			}
		})
	}
}

// makeCanary gives new half of the traffic, with a=1 and sv1=x.
func (b bench) makeCanary() {
	b.Helper()
	_, err := b.patch(
		replace("/canarySettings/deploymentId", b.next), replace("/canarySettings/percentTraffic", "50"),
		replace("/canarySettings/stageVariableOverrides/a", "1"), replace("/canarySettings/stageVariableOverrides/sv1", "x"),
	)
	b.must(err)
}

func TestUpdateStageRefuses(t *testing.T) {
	tests := map[string]struct {
		canary  bool
		op      types.PatchOperation
		message string
	}{
		"copy without a canary":        {false, copyFrom("/canarySettings/deploymentId", "/deploymentId"), "Promotion not available. Canary does not exist."},
		"copy of overrides without":    {false, copyFrom("/canarySettings/stageVariableOverrides", "/variables"), "Promotion not available. Canary does not exist."},
		"copy the other way":           {true, copyFrom("/variables", "/canarySettings/stageVariableOverrides"), "Invalid copy operation with path: /canarySettings/stageVariableOverrides and from /variables. Valid copy:path are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, /canarySettings/stageVariableOverrides]"},
		"copy across":                  {true, copyFrom("/canarySettings/stageVariableOverrides", "/deploymentId"), "Invalid copy operation"},
		"copy of one override":         {true, copyFrom("/canarySettings/stageVariableOverrides/a", "/variables/a"), "Invalid copy operation"},
		"add":                          {true, types.PatchOperation{Op: types.OpAdd, Path: aws.String("/canarySettings/deploymentId"), Value: aws.String("x")}, "Invalid add operation with path: /canarySettings/deploymentId"},
		"move":                         {true, types.PatchOperation{Op: types.OpMove, Path: aws.String("/variables")}, "Must be one of: [add, remove, replace, copy]"},
		"unknown deployment":           {false, replace("/deploymentId", "deploy"), "Deployment id does not exist"},
		"unknown canary deployment":    {false, replace("/canarySettings/deploymentId", "deploy"), "Deployment id does not exist"},
		"canary as a whole":            {true, replace("/canarySettings", "test"), "Invalid method setting path: /canarySettings. Must be one of: [/deploymentId, /description,"},
		"all overrides":                {true, replace("/canarySettings/stageVariableOverrides", "{}"), "Invalid method setting path"},
		"bad canary path":              {true, replace("/canarySettings/badPath", "1"), "Invalid method setting path: /canarySettings/badPath"},
		"bad path":                     {true, replace("/nonsense", "1"), "Invalid method setting path: /nonsense"},
		"variables as a whole":         {true, replace("/variables", "{}"), "Invalid method setting path: /variables"},
		"remove overrides":             {true, remove("/canarySettings/stageVariableOverrides"), "Cannot remove method setting canarySettings/stageVariableOverrides because there is no method setting for this method "},
		"remove bad canary path":       {true, remove("/canarySettings/badPath"), "Cannot remove method setting canarySettings/badPath because"},
		"remove half a canary":         {true, remove("/canarySettings/percentTraffic"), "Invalid remove operation with path"},
		"remove no canary":             {false, remove("/canarySettings"), "Cannot remove method setting canarySettings because"},
		"remove no override":           {true, remove("/canarySettings/stageVariableOverrides/b"), "Cannot remove"},
		"remove no variable":           {true, remove("/variables/b"), "Cannot remove"},
		"remove no method setting":     {true, remove("/*/*"), "Cannot remove method setting */* because"},
		"remove no logging":            {true, remove("/accessLogSettings"), "Cannot remove"},
		"an escaped name":              {true, replace("/variables/a~1b~0c", "v"), "Invalid stage variable name: a/b~c.  Please use names with only word characters."},
		"a name with a colon":          {true, replace("/canarySettings/stageVariableOverrides/team:cost", "v"), "Invalid stage variable name: team:cost.  Please use names with only word characters."},
		"a variable without a name":    {true, replace("/variables/", "v"), "Invalid stage variable name: .  Please use names with only word characters."},
		"an empty variable":            {true, replace("/variables/sv1", ""), "Invalid stage variable value: .  Please use values with alphanumeric characters and the symbols"},
		"an empty override":            {true, replace("/canarySettings/stageVariableOverrides/sv1", ""), "Invalid stage variable value: .  Please use"},
		"a dollar":                     {true, replace("/variables/alias", "$LATEST"), "Invalid stage variable value: $LATEST.  Please use"},
		"no value":                     {true, types.PatchOperation{Op: types.OpReplace, Path: aws.String("/description")}, "A value is required"},
		"more than all":                {true, replace("/canarySettings/percentTraffic", "100.1"), "Must be between 0.0 and 100.0"},
		"less than nothing":            {true, replace("/canarySettings/percentTraffic", "-1"), "Must be between 0.0 and 100.0"},
		"not a number":                 {true, replace("/canarySettings/percentTraffic", "NaN"), "Must be between 0.0 and 100.0"},
		"not a percentage":             {true, replace("/canarySettings/percentTraffic", "half"), "Must be a number"},
		"not a boolean":                {true, replace("/canarySettings/useStageCache", "perhaps"), "Must be a boolean"},
		"not a boolean for the stage":  {true, replace("/tracingEnabled", "perhaps"), "Must be a boolean"},
		"not a boolean for its cache":  {true, replace("/cacheClusterEnabled", "perhaps"), "Must be a boolean"},
		"unknown method setting":       {true, replace("/*/*/logging/color", "red"), "Invalid method setting path"},
		"not a number for a method":    {true, replace("/*/*/throttling/burstLimit", "many"), "Invalid patch value"},
		"unknown access log setting":   {true, replace("/accessLogSettings/color", "red"), "Invalid method setting path"},
		"a path that is no path":       {true, replace("description", "red"), "Invalid method setting path: description"},
		"a canary that is not its own": {true, replace("/canarySettingsX", "red"), "Invalid method setting path"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if test.canary {
				b.makeCanary()
			}
			before := b.stage()
			// What comes before the refused operation must not stay.
			ops := []types.PatchOperation{replace("/variables/sv1", "changed"), replace("/deploymentId", b.next)}
			if test.canary {
				ops = append(ops, replace("/canarySettings/stageVariableOverrides/sv1", "changed"), replace("/canarySettings/percentTraffic", "1"))
			}
			_, err := b.patch(append(ops, test.op)...)
			badRequest(t, err, test.message)
			if b.stage() != before {
				t.Errorf("changed all the same:\n%s\nbefore\n%s", b.stage(), before)
			}
		})
	}
}

func TestOtherFieldsArePreserved(t *testing.T) {
	b := newBench(t)
	_, err := b.patch(
		replace("/description", "new words"), replace("/tracingEnabled", "true"), replace("/cacheClusterSize", "1.6"),
		replace("/cacheClusterEnabled", "true"), replace("/clientCertificateId", "cert"), replace("/documentationVersion", "7"),
		replace("/accessLogSettings/destinationArn", "arn:aws:logs:x"), replace("/accessLogSettings/format", "$context.requestId"),
		replace("/*/*/throttling/rateLimit", "12.5"), replace("/~1pets/GET/logging/loglevel", "INFO"),
		replace("/~1pets/GET/caching/ttlInSeconds", "60"), replace("/~1pets/GET/metrics/enabled", "true"),
	)
	b.must(err)
	b.makeCanary()
	b.clock.Move(time.Hour)
	_, err = b.patch(append(promotion(), remove("/canarySettings"))...)
	b.must(err)

	s, err := b.client.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: &b.api, StageName: aws.String("prod")})
	b.must(err)
	all := s.MethodSettings["*/*"]
	pets := s.MethodSettings["~1pets/GET"]
	for name, ok := range map[string]bool{
		"description":          *s.Description == "new words",
		"tracing":              s.TracingEnabled,
		"cache":                s.CacheClusterEnabled && s.CacheClusterSize == "1.6" && s.CacheClusterStatus == types.CacheClusterStatusAvailable,
		"certificate":          *s.ClientCertificateId == "cert",
		"documentation":        *s.DocumentationVersion == "7",
		"access log":           *s.AccessLogSettings.DestinationArn == "arn:aws:logs:x" && *s.AccessLogSettings.Format == "$context.requestId",
		"throttling":           all.ThrottlingRateLimit == 12.5 && all.ThrottlingBurstLimit == 5000,
		"one method":           *pets.LoggingLevel == "INFO" && pets.CacheTtlInSeconds == 60 && pets.MetricsEnabled,
		"created and changed":  s.CreatedDate.Equal(start) && s.LastUpdatedDate.Equal(start.Add(time.Hour)),
		"two methods in total": len(s.MethodSettings) == 2,
	} {
		if !ok {
			t.Errorf("%s is not as it was set: %+v", name, s)
		}
	}
	_, err = b.patch(remove("/*/*"), remove("/accessLogSettings"))
	b.must(err)
}

func TestUpdateOfWhatIsNotThere(t *testing.T) {
	b := newBench(t)
	_, err := b.client.UpdateStage(t.Context(), &sdk.UpdateStageInput{RestApiId: &b.api, StageName: aws.String("moon")})
	wantError(t, err, 404, "NotFoundException", "Invalid stage identifier specified")
	_, err = b.client.UpdateStage(t.Context(), &sdk.UpdateStageInput{RestApiId: aws.String("moon"), StageName: aws.String("prod")})
	wantError(t, err, 404, "NotFoundException", "Invalid API identifier specified")
}

// Two operations of the SDK on one API, seen by another server on its folder.
func TestStateIsShared(t *testing.T) {
	dir := t.TempDir()
	b := bench{T: t, client: connect(serve(t, sandbox.Options{Dir: dir}))}
	api, err := b.client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("shop")})
	b.must(err)
	other := connect(serve(t, sandbox.Options{Dir: dir}))
	d, err := other.CreateDeployment(t.Context(), &sdk.CreateDeploymentInput{
		RestApiId: api.Id, StageName: aws.String("prod"), Variables: map[string]string{"k": "v"}, Description: aws.String("by another"),
	})
	b.must(err)
	s, err := b.client.GetStage(t.Context(), &sdk.GetStageInput{RestApiId: api.Id, StageName: aws.String("prod")})
	b.must(err)
	if *s.DeploymentId != *d.Id || s.Variables["k"] != "v" || !s.CreatedDate.Equal(start) {
		t.Errorf("the first server sees %s %v, want deployment %s", *s.DeploymentId, s.Variables, *d.Id)
	}
}
