package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"sluice/analysis"
	"sluice/stages/driver"
)

// schema is a JSON Schema, or a part of one.
type schema map[string]any

// Dialect is the JSON Schema that [Schema] is written in.
const Dialect = "https://json-schema.org/draft/2020-12/schema"

// Schema is the JSON Schema of a pipeline file whose targets may name these
// platforms. It takes what [Parse] takes, but for what no schema can say: that a
// name is declared elsewhere in the file, and how values compare with each other.
func Schema(platforms []driver.Facts) map[string]any {
	s := object(schema{
		"name":             name("The pipeline's name: the key of its state."),
		"description":      schema{"type": "string", "maxLength": 255, "description": "What the pipeline is for."},
		"labels":           labels(),
		"annotations":      annotations(),
		"state":            stateSchema(),
		"supersede":        flag("A newer promotion ends the older one on its targets.", false),
		"afterGoingBack":   afterGoingBack(),
		"timeout":          duration(positive, "How long a rollout may take; 24h unless said."),
		"operationTimeout": duration(positive, "How long one operation of a platform may take; 1h unless said."),
		"stages":           listOfSome("The stages; each comes after the one before it, unless it says otherwise.", stageSchema(platforms)),
		"policies":         list("When nothing, or nothing but going back, may be done.", policySchema()),
		"automation":       list("What is done without a person.", automationSchema()),
		"deployments":      word("off", "off", "own").about("own: GitHub's deployments show what stages run."),
		"comment":          schema{"enum": []any{true, false, "off", "own"}, "default": false}.about("A comment on the pull request says what is planned, and what came of it."),
		"notify":           list("Who is told of what a run came to.", hookSchema()),
	}, "name", "stages")
	s["patternProperties"] = schema{"^x-": true}
	s["$schema"], s["title"] = Dialect, "Sluice pipeline"
	s["$defs"] = schema{"check": checkSchema(false), "checkOfTarget": checkSchema(true)}
	return s
}

// The forms of values, for RE2 and ECMAScript alike.
const (
	nameForm     = `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
	loginForm    = `^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`
	teamForm     = `^@[A-Za-z0-9][A-Za-z0-9-]{0,38}/[a-z0-9][a-z0-9_-]{0,99}$`
	variableForm = `^[A-Za-z_][A-Za-z0-9_]*$`
	durationForm = `^\+?(0|([0-9]{1,5}(\.[0-9]{1,5})?d)?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$`
	timeForm     = `^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$`
	endpointForm = `^(https://[^/]|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?(/|\?|$))`
	urlForm      = `^[Hh][Tt][Tt][Pp][Ss]?://[^/@#?]+([/?][^#]*)?$`
	pageForm     = `^[Hh][Tt][Tt][Pp][Ss]?://[^/@#?]+([/?#].*)?$`
	instantForm  = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$`
	filledForm   = `\S`
	labelForm    = `^[\p{Ll}\p{Lm}\p{Lo}\p{M}\p{Nd}_-]*$`
	sizeForm     = `^([1-9][0-9]?|100)%$`
)

// object is a mapping with these keys and no other.
func object(keys schema, required ...string) schema {
	s := schema{"type": "object", "properties": keys, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// oneOfKeys lets a mapping have exactly one of some keys.
func (s schema) oneOfKeys(keys ...string) schema {
	var cases []any
	for _, key := range keys {
		cases = append(cases, schema{"required": []string{key}})
	}
	return s.also(schema{"oneOf": cases})
}

// also adds a condition that holds beside the others.
func (s schema) also(more schema) schema {
	have, _ := s["allOf"].([]any)
	s["allOf"] = append(have, more)
	return s
}

// needs says that a key means nothing without another one.
func (s schema) needs(key string, others ...string) schema {
	have, _ := s["dependentRequired"].(schema)
	if have == nil {
		have = schema{}
		s["dependentRequired"] = have
	}
	have[key] = others
	return s
}

// never says that some keys do not stand beside another one.
func (s schema) never(beside string, keys ...string) schema {
	var cases []any
	for _, key := range keys {
		cases = append(cases, schema{"required": []string{beside, key}})
	}
	return s.also(schema{"not": schema{"anyOf": cases}})
}

func (s schema) about(text string) schema {
	if text != "" {
		s["description"] = text
	}
	return s
}

func list(about string, of schema) schema { return schema{"type": "array", "items": of}.about(about) }

func listOfSome(about string, of schema) schema {
	s := list(about, of)
	s["minItems"] = 1
	return s
}

func unique(s schema) schema {
	s["uniqueItems"] = true
	return s
}

func name(about string) schema { return schema{"type": "string", "pattern": nameForm}.about(about) }

func filled(about string) schema { return schema{"type": "string", "pattern": filledForm}.about(about) }

// line is a text in one line that is not empty.
func line(most int, about string) schema {
	return filled(about).also(schema{"maxLength": most, "pattern": `^[^\p{Cc}]*$`})
}

// texts is a list of texts of which none is empty.
func texts(about string) schema { return list(about, schema{"type": "string", "minLength": 1}) }

func flag(about string, otherwise bool) schema {
	return schema{"type": "boolean", "default": otherwise}.about(about)
}

func word(otherwise string, allowed ...string) schema {
	s := schema{"enum": allowed}
	if otherwise != "" {
		s["default"] = otherwise
	}
	return s
}

func words(allowed ...string) schema { return unique(list("", word("", allowed...))) }

func whole(about string, lo, hi int) schema {
	return schema{"type": "integer", "minimum": lo, "maximum": hi}.about(about)
}

func fraction(about string, lo, hi float64) schema {
	return schema{"type": "number", "minimum": lo, "maximum": hi}.about(about)
}

// positive says that a duration is longer than nothing.
const positive = true

func duration(some bool, about string) schema {
	s := schema{"type": "string", "minLength": 1, "pattern": durationForm, "examples": []string{"90s", "30m", "24h", "7d"}}.about(about)
	if some {
		return s.also(schema{"pattern": "[1-9]"})
	}
	return s
}

func pairsOf(value schema, about string) schema {
	return schema{"type": "object", "additionalProperties": value}.about(about)
}

func plainText() schema { return schema{"type": "string"} }

func labels() schema {
	s := pairsOf(schema{"type": "string", "maxLength": mostLabelBytes, "pattern": labelForm}, "Labels of the rollouts.")
	s["maxProperties"] = MaxLabels
	s["propertyNames"] = schema{"minLength": 1, "maxLength": mostLabelBytes, "pattern": `^[\p{Ll}\p{Lm}\p{Lo}]` + labelForm[1:]}
	return s
}

func annotations() schema {
	s := pairsOf(plainText(), "Annotations of the rollouts.")
	s["propertyNames"] = schema{"pattern": `^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`}
	return s
}

func afterGoingBack() schema {
	return word(AfterGoingBackStop, AfterGoingBackStop, AfterGoingBackNewer).about("What automation may do after a target went back.")
}

func stateSchema() schema {
	ref := schema{"type": "string", "maxLength": mostBranch, "pattern": `^[^\x00-\x20\x7f~^:?\[\\]+$`}
	return object(schema{
		"store":    schema{"type": "string", "pattern": `^(|artifact|git|file:.*\S.*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?)$`, "default": defaultStore}.about("Where state is kept: artifact, git, s3://bucket/prefix or file:DIR.").also(schema{"not": schema{"pattern": `\$(\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Z_][A-Z0-9_]*)|/\.{1,2}(/|$)`}}),
		"branch":   schema{"type": "string", "maxLength": mostBranch, "pattern": `^[^\x00-\x20\x7f~^:?*\[\\]+$`, "default": defaultBranch}.about("The branch of a git store."),
		"endpoint": schema{"type": "string", "pattern": "^$|" + endpointForm}.about("The address of an S3 store that is not AWS."),
		"history":  whole("How many rollouts that are over are kept for each target; 20 unless said.", 1, mostHistory),
		"refs":     list("Whose runs may change state: branches, or patterns of refs.", ref),
		"branches": list("An older name of refs.", ref),
	}).never("refs", "branches").about("Where state is kept.")
}

func approvalSchema() schema {
	return object(schema{
		"required":    flag("", true),
		"environment": line(mostEnvironment, "The GitHub environment whose reviews are the approvals."),
		"approvers":   unique(list("Whose approval counts, logins and teams (@org/team); without any, everybody who may write.", schema{"type": "string", "pattern": loginForm + "|" + teamForm})),
		"quorum":      whole("How many approvals it takes.", 1, mostQuorum),
		"timeout":     duration(positive, "After how long it is not waited for any more; 24h unless said."),
		"self":        flag("Whoever started the promotion may approve it.", false),
		"rollback":    flag("Rollbacks need an approval too.", false),
		"comments":    flag("A comment on GitHub may be an approver's word.", false),
	}).about("Who must agree before a rollout begins.").also(schema{"if": schema{"required": []string{"environment"}}, "then": schema{"properties": schema{"comments": schema{"const": false}}}})
}

// sharedKeys are those that stages and targets have in common.
func sharedKeys(platforms []driver.Facts, check string) schema {
	checks := func(about string) schema { return list(about, schema{"$ref": "#/$defs/" + check}) }
	return schema{
		"predeploy":        checks("Checks before the release is deployed."),
		"verify":           checks("Checks of each phase."),
		"postdeploy":       checks("Checks after the release was deployed."),
		"strategy":         object(schema{"canary": canarySchema()}).about("How traffic moves to a release; {} takes a stage's canary away."),
		"identity":         identitySchema(platforms),
		"timeout":          duration(positive, "How long a rollout may take."),
		"operationTimeout": duration(positive, "How long one operation of the platform may take."),
	}
}

// identitySchema is who asks, by each vendor's own keys.
func identitySchema(platforms []driver.Facts) schema {
	keys := schema{}
	for _, i := range identitiesOf(platforms) {
		one := keyedSchema(i.Keys)
		one["minProperties"] = 1
		keys[i.Name] = one
	}
	s := object(keys).about("Who asks the platforms and what checks ask, in the place of whom the environment has.")
	s["minProperties"] = 1
	return s
}

func with(keys schema, more schema) schema {
	for key, value := range more {
		keys[key] = value
	}
	return keys
}

func stageSchema(platforms []driver.Facts) schema {
	s := object(with(schema{
		"name":           name("The stage's name."),
		"after":          unique(texts("The stages that this one comes after, instead of the one before it.")),
		"supersede":      flag("A newer promotion ends the older one on its targets.", false),
		"afterGoingBack": afterGoingBack(),
		"onFailure":      word(Continue, Continue, Halt, RollbackAll).about("What a target's failure means for the others."),
		"waves":          wavesSchema(),
		"soak":           duration(positive, "How long a release must have stood on the stage before."),
		"approval":       approvalSchema(),
		"url":            literal(address(pageForm, "Where people see what the stage runs: GitHub's deployments link there.")),
		"targets":        listOfSome("The places of this stage, in the order in which they begin.", targetSchema(platforms)),
	}, sharedKeys(platforms, "check")), "name", "targets")
	return s.also(schema{"if": schema{"required": []string{"waves"}}, "then": schema{"properties": schema{"onFailure": schema{"enum": []string{Halt, RollbackAll}}}}})
}

func wavesSchema() schema {
	size := schema{"anyOf": []any{whole("", 1, 999_999), schema{"type": "string", "pattern": sizeForm + "|^[1-9][0-9]{0,5}$"}}}
	sizes := listOfSome("How many targets have begun with each wave, of all: [1, 25%, 100%].", size)
	return object(schema{
		"sizes":    sizes,
		"wait":     duration(!positive, "After a wave, before the next."),
		"tolerate": whole("How many targets of a wave may fail.", 0, mostTolerated),
		"scope":    word(ScopeWave, ScopeWave, ScopePromotion).about("What onFailure: rollback takes back."),
	}, "sizes").about("Which targets begin together.")
}

func targetSchema(platforms []driver.Facts) schema {
	keys := schema{
		"name":      name("The target's name: the key of its state."),
		"component": name("The chain of targets that one release travels; needed where a pipeline has several."),
		"from":      name("The target of the stage before that the release comes from."),
		"formerly":  name("The name that this target had before."),
		"artifact":  line(mostArtifact, "What its releases are, as an artifact of the organisation: GitHub's records of deployments name it."),
		"poll": object(schema{
			"initial": duration(positive, "How soon an operation is first looked at."),
			"max":     duration(positive, "The longest pause between two looks."),
			"factor":  fraction("How much longer each pause is.", 1, 10),
		}).about("How the platform's operations are looked at."),
	}
	var names []string
	for _, f := range platforms {
		names = append(names, f.Platform)
		keys[f.Platform] = platformSchema(f)
	}
	return object(with(keys, sharedKeys(platforms, "checkOfTarget")), "name").oneOfKeys(names...)
}

// platformSchema is a target's mapping by the platform's own facts.
func platformSchema(f driver.Facts) schema { return keyedSchema(f.Keys).about(f.Title) }

// keyedSchema is a mapping by keys that facts have.
func keyedSchema(of []driver.Key) schema {
	keys, required := schema{}, []string(nil)
	s := object(keys)
	for _, k := range of {
		keys[k.Name] = keySchema(k)
		if k.Required {
			required = append(required, k.Name)
		}
		if k.Needs != "" {
			s.also(schema{"if": schema{"properties": schema{k.Name: schema{"const": true}}, "required": []string{k.Name}}, "then": schema{"required": []string{k.Needs}}})
		}
	}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func keySchema(k driver.Key) schema {
	value := schema{"type": "string", "pattern": filledForm}
	if k.Pattern != "" {
		value.also(schema{"pattern": "^(?:" + k.Pattern + ")$"})
	}
	switch k.Type {
	case driver.Bool:
		return schema{"type": "boolean", "default": false}.about(k.Doc)
	case driver.Command:
		return listOfSome(k.Doc, value)
	case driver.StringList:
		if k.Required {
			return unique(listOfSome(k.Doc, value))
		}
		return unique(list(k.Doc, value))
	default:
		return value.about(k.Doc)
	}
}

func headerSchema() schema {
	return object(schema{
		"domain": filled("The platform's domain name that testers' requests go to."),
		"name":   filled("The name of the header that testers send."),
		"value":  filled("Its value; * at its beginning, its end or both stands for anything."),
	}, "domain", "name", "value").about("What testers send: they get the release before any percentage of the traffic does.")
}

func canarySchema() schema {
	percentage := schema{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100}
	checks := func(about string) schema { return list(about, schema{"$ref": "#/$defs/checkOfTarget"}) }
	variables := pairsOf(plainText(), "What the canary sees differently.")
	wait := duration(!positive, "How long each phase bakes; without it a person advances.")
	numbered := object(schema{
		"name": schema{"type": "string", "anyOf": []any{schema{"pattern": nameForm}, schema{"pattern": `^canary-(0|[1-9][0-9]{0,8})(\.[0-9]{1,20})?$`}}}, "percentage": percentage,
		"wait": wait, "verify": checks("Checks of this phase, instead of the target's."), "analysis": checks("Checks while it bakes, instead of the canary's."), "variables": variables,
	}, "percentage").also(schema{"not": schema{"properties": schema{"name": schema{"const": stablePhase}}, "required": []string{"name"}}})
	stable := object(schema{"name": schema{"const": stablePhase}, "percentage": schema{"const": 100}, "verify": checks("")})
	stable["anyOf"] = []any{schema{"required": []string{"name"}}, schema{"required": []string{"percentage"}}}
	return object(schema{
		"percentages":   unique(listOfSome("The canary's shares of the traffic, ascending.", percentage)),
		"phases":        listOfSome("The canary's phases, with what each has of its own.", schema{"oneOf": []any{numbered, stable}}),
		"wait":          wait,
		"variables":     variables,
		"useStageCache": flag("The canary shares the target's cache.", false),
		"disable":       flag("What is left of the canary is removed when the release is stable.", false),
		"onFailure":     word(Restore, Restore, Hold).about("Whether a failed phase puts traffic back at once."),
		"analysis":      checks("Checks that are looked at while a phase bakes."),
		"header":        headerSchema(),
	}).oneOfKeys("percentages", "phases")
}

func checkSchema(ofTarget bool) schema {
	scope := word(ScopeTarget, ScopeTarget, ScopeStage)
	if ofTarget {
		scope = word(ScopeTarget, ScopeTarget)
	}
	s := object(with(schema{
		"run": true, "http": httpSchema(), "alarms": alarmsSchema(), "metric": metricSchema(), "compare": compareSchema(),
		"shell": flag("run is one command line for a shell.", false), "scope": scope.about("For each target, or once for the stage."),
		"timeout": duration(positive, "How long the check may take."), "dryRun": flag("It reports, and never fails.", false), "onRollback": flag("It runs in rollbacks too.", false),
	}, measuredKeys()), nil...).oneOfKeys("run", "http", "alarms", "metric", "compare")
	argv := listOfSome("The program and its arguments.", plainText())
	argv["prefixItems"] = []any{filled("")}
	s.also(schema{"if": schema{"properties": schema{"shell": schema{"const": true}}, "required": []string{"shell"}},
		"then": schema{"properties": schema{"run": filled("One command line.")}}, "else": schema{"properties": schema{"run": argv}}})
	for _, key := range []string{"shell", "json", "condition", "interval", "failures", "inconclusive"} {
		s.needs(key, "run")
	}
	return measuring(s, "json", "interval", "failures", "inconclusive")
}

// measuredKeys are what a check has of the number in an answer.
func measuredKeys() schema {
	return with(schema{"json": schema{"type": "string", "pattern": `^[^.]+(\.[^.]+)*$`}.about("Where the number stands in the answer, such as data.errors.0.rate.").also(schema{"pattern": filledForm})}, with(limitKeys(), paceKeys()))
}

// measuring says which keys mean nothing without a condition.
func measuring(s schema, keys ...string) schema {
	have, _ := s["dependentRequired"].(schema)
	for _, key := range keys {
		others, _ := have[key].([]string)
		s.needs(key, append(slices.Clone(others), "condition")...)
		have, _ = s["dependentRequired"].(schema)
	}
	return s
}

func limitKeys() schema {
	number := `[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?`
	return schema{
		"condition":    schema{"type": "string", "pattern": `^\s*(<=|>=|==|!=|<|>)\s*` + number + `\s*$`}.about(`What the value must meet, such as "< 0.01".`),
		"inconclusive": schema{"type": "array", "items": schema{"type": "number"}, "minItems": 2, "maxItems": 2}.about("The lowest and the highest value that a person decides about."),
	}
}

func paceKeys() schema {
	return schema{
		"interval": duration(positive, "How often it is looked at while a phase bakes; at least 1s."),
		"failures": whole("How many looks may fail.", 0, mostFailedLooks),
	}
}

func headers() schema {
	s := pairsOf(schema{"type": "string", "pattern": "^[^\x00-\x08\x0a-\x1f\x7f]*$"}, "Headers of the request.")
	s["propertyNames"] = schema{"pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"}
	return s
}

func address(form, about string) schema {
	return schema{"type": "string", "pattern": form}.about(about)
}

// literal takes no text that looks as if something were to be replaced in it.
func literal(s schema) schema {
	return s.also(schema{"not": schema{"pattern": `\$(\{[A-Za-z_][A-Za-z0-9_]*\}|[A-Z_][A-Z0-9_]*)`}})
}

func httpSchema() schema {
	keys := with(schema{
		"url":      literal(address(urlForm, "What is asked.")),
		"method":   word("GET", methods...),
		"status":   whole("The status that is good; 200 unless said.", 100, 599),
		"contains": filled("What the answer contains."),
		"attempts": whole("How often it is asked.", 1, mostAttempts),
		"headers":  headers(),
	}, measuredKeys())
	keys["interval"] = duration(!positive, "Between attempts, or between looks of what is measured.")
	s := measuring(object(keys, "url"), "json", "failures", "inconclusive")
	return s.also(schema{"if": schema{"required": []string{"condition"}}, "then": schema{"properties": schema{
		"method": schema{"not": schema{"const": "HEAD"}}, "interval": schema{"pattern": "[1-9]"}}}})
}

func alarmsSchema() schema {
	region := regionSchema()
	names := unique(listOfSome("The alarms' names.", schema{"type": "string", "minLength": 1}))
	names["maxItems"] = mostAlarms
	return object(with(schema{
		"names": names, "prefix": filled("What the alarms' names begin with."), "region": region,
		"monitoring":       object(schema{"project": projectSchema(), "policies": unique(listOfSome("The alert policies' names.", schema{"type": "string", "minLength": 1}))}, "project", "policies"),
		"insufficientData": word(analysis.InsufficientPasses, analysis.InsufficientPasses, analysis.InsufficientFails),
	}, paceKeys())).oneOfKeys("names", "prefix", "monitoring").never("monitoring", "region", "insufficientData")
}

func regionSchema() schema {
	return schema{"type": "string", "pattern": `^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`}.about("An AWS region, such as eu-west-1.")
}

func projectSchema() schema {
	return schema{"type": "string", "pattern": `^([a-z][a-z0-9.-]*:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$|^[0-9]{1,19}$`}.about("A Google Cloud project.")
}

// metricForm is an address without a query, secretForm one that credentials may be
// sent to.
const (
	metricForm = `^[Hh][Tt][Tt][Pp][Ss]?://[^/@#?]+(/[^#?]*)?$`
	secretForm = `^(https://|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?(/|$))`
)

func overTime() schema {
	return schema{"range": duration(positive, "How far back the query looks."), "step": duration(positive, "How far apart the values are; 1m unless said.")}
}

func metricSchema() schema {
	gate := object(schema{"service": filled(""), "env": filled(""), "identifier": filled(""), "version": filled("")}, "service", "env")
	datadog := object(schema{
		"url": address(metricForm, "").also(schema{"pattern": secretForm}), "query": filled("The query."), "gate": gate, "range": duration(positive, "How far back the query looks."),
	}).oneOfKeys("query", "gate").never("gate", "range")
	s := object(with(with(schema{
		"prometheus": object(with(schema{"url": address(metricForm, "The server."), "query": filled("The query."), "headers": headers()}, overTime()), "url", "query").needs("step", "range"),
		"monitoring": object(with(schema{"project": projectSchema(), "query": filled("The query, in PromQL.")}, overTime()), "project", "query").needs("step", "range"),
		"cloudwatch": cloudwatchSchema(), "datadog": datadog,
	}, limitKeys()), paceKeys())).oneOfKeys(theSources()...)
	gated := schema{"properties": schema{"datadog": schema{"required": []string{"gate"}}}, "required": []string{"datadog"}}
	return s.also(schema{"if": gated, "then": schema{"not": schema{"anyOf": []any{schema{"required": []string{"condition"}}, schema{"required": []string{"inconclusive"}}}}}, "else": schema{"required": []string{"condition"}}})
}

func dimensions() schema {
	s := pairsOf(filled(""), "The metric's dimensions.")
	s["propertyNames"], s["maxProperties"] = schema{"pattern": filledForm}, mostDimensions
	return s
}

func cloudwatchMetricKeys() schema {
	return schema{
		"namespace": filled("The metric's namespace, such as AWS/EC2."), "metric": filled("Such as 5XXError."), "dimensions": dimensions(),
		"stat":   schema{"type": "string", "pattern": `^(Average|Sum|Minimum|Maximum|SampleCount|IQM|(p|tm|wm|tc|ts)[0-9]{1,3}(\.[0-9]+)?|(PR|TM|TC|TS|WM)\([0-9.%]*:[0-9.%]*\))$`}.about("Such as Average, Sum or p99."),
		"period": duration(positive, "1s, 5s, 10s, 20s, 30s or whole minutes, at most 24h; 1m unless said."),
	}
}

func cloudwatchSchema() schema {
	metrics := pairsOf(object(cloudwatchMetricKeys(), "namespace", "metric", "stat"), "The metrics of the expression, by their ids.")
	metrics["propertyNames"] = schema{"pattern": `^[a-z][a-zA-Z0-9_]{0,254}$`, "not": schema{"const": resultID}}
	s := object(with(schema{
		"region": regionSchema(), "range": duration(positive, "How far back it looks."), "expression": filled("Metric math over the ids of metrics."), "metrics": metrics,
	}, cloudwatchMetricKeys())).needs("metrics", "expression").never("expression", "namespace", "metric", "stat", "dimensions")
	return s.also(schema{"anyOf": []any{schema{"required": []string{"expression"}}, schema{"required": []string{"namespace", "metric", "stat"}}}})
}

func compareSchema() schema {
	queries := schema{"canary": filled("The canary's values."), "baseline": filled("The values of what runs beside it.")}
	both := func(keys schema, required ...string) schema {
		return object(with(keys, schema{"canary": queries["canary"], "baseline": queries["baseline"]}), append(required, "canary", "baseline")...)
	}
	cloudwatch := object(with(schema{"region": regionSchema(), "range": duration(positive, ""), "canary": dimensions(), "baseline": dimensions()}, cloudwatchMetricKeys()), "namespace", "metric", "stat", "canary", "baseline")
	return object(with(schema{
		"prometheus": both(with(schema{"url": address(metricForm, "The server."), "headers": headers()}, overTime()), "url"),
		"monitoring": both(with(schema{"project": projectSchema()}, overTime()), "project"),
		"datadog":    both(schema{"url": address(metricForm, "").also(schema{"pattern": secretForm}), "range": duration(positive, "")}),
		"cloudwatch": cloudwatch,
		"direction":  word(analysis.Increase, analysis.Increase, analysis.Decrease, analysis.Either).about("What would be worse."),
		"confidence": fraction("How sure it must be; 0.95 unless said.", 0.5, 0.9999),
		"minSamples": whole("How many values each side has at least.", 2, 10_000),
		"effect":     fraction("How much the median must differ, as a share of the baseline's.", 0, 1000),
	}, paceKeys())).oneOfKeys(theSources()...)
}

func windowSchema() schema {
	zone := filled("A name of the IANA database, such as Europe/Berlin; UTC unless said.")
	clock := schema{"type": "string", "pattern": timeForm}
	from := schema{"type": "string", "pattern": strings.TrimSuffix(timeForm, "|^24:00$")}
	instant := schema{"type": "string", "pattern": instantForm}
	return object(schema{
		"weekly": object(schema{"days": unique(listOfSome("", word("", "sun", "mon", "tue", "wed", "thu", "fri", "sat"))), "from": from, "to": clock, "timezone": zone}),
		"once":   object(schema{"from": instant, "to": instant}, "from", "to"),
		"cron":   object(schema{"schedule": scheduleSchema(), "for": duration(positive, "How long the window stays open; at least 1m."), "timezone": zone}, "schedule", "for"),
	}).oneOfKeys("weekly", "once", "cron")
}

func scheduleSchema() schema {
	return schema{"type": "string", "pattern": `^\s*(\S+\s+\S+\s+\S+\s+\S+\s+\S+|@(yearly|annually|monthly|weekly|daily|midnight|hourly))\s*$`}.about("A cron schedule of five fields.")
}

func policySchema() schema {
	windows := schema{"anyOf": []any{windowSchema(), listOfSome("", windowSchema())}}
	return object(schema{
		"name": name("The policy's name, for --override."), "stages": unique(texts("Its stages; all of them unless said.")), "targets": unique(texts("Its targets; all of them unless said.")),
		"actions":  words(Actions()...).about("What it blocks; all that goes forward unless said."),
		"invokers": words(InvokerPerson, InvokerAutomation),
		"deny":     windows, "allow": windows,
		"override": unique(list("Logins who may pass it.", schema{"type": "string", "pattern": loginForm})),
		"standing": word("", StandingHold, StandingBack, StandingFinish).about("What becomes of what stands when the window begins."),
		"resume":   word("", ResumeAutomatic).about("What was held goes on by itself after the window."),
	}, "name").oneOfKeys("deny", "allow")
}

func automationSchema() schema {
	phase := schema{"type": "string", "pattern": strings.TrimSuffix(nameForm, "$") + `$|^canary-(0|[1-9][0-9]{0,8})(\.[0-9]{1,20})?$`}
	phases := unique(list("Phases; any unless said.", phase))
	retry := object(schema{"attempts": whole("How often.", 1, mostRetries), "wait": duration(!positive, "Before the first; at most "+mostWait+"."), "backoff": word("linear", "linear", "exponential")}, "attempts")
	repair := object(schema{
		"stage": name(""), "phases": phases, "jobs": words("predeploy", "deploy", "verify", "analysis", "postdeploy"), "retry": retry,
		"rollback": object(schema{"phase": word("stable", "stable"), "unlessPending": flag("", false)}),
	}, "stage")
	repair["anyOf"] = []any{schema{"required": []string{"retry"}}, schema{"required": []string{"rollback"}}}
	return object(schema{
		"promote": object(schema{"from": name("The stage whose releases are promoted."), "after": duration(!positive, "Since they succeeded."), "cron": scheduleSchema(), "timezone": filled("")}, "from").needs("timezone", "cron").about("Promotes what succeeded on a stage to the next one."),
		"advance": object(schema{"stage": name(""), "phases": phases, "after": duration(!positive, "Since the phase was over.")}, "stage").about("Begins the next phase of a rollout that waits for a person."),
		"repair":  repair.about("Runs a failed job again, then has the target go back."),
	}).oneOfKeys("promote", "advance", "repair").about(fmt.Sprintf("One rule; repairs are tried at most %d times.", mostRetries))
}

func hookSchema() schema {
	url := schema{"type": "string", "pattern": endpointForm}
	variable := func(about string) schema { return schema{"type": "string", "pattern": variableForm}.about(about) }
	events := words(Told()...)
	events["minItems"] = 1
	hook := object(schema{
		"url": url, "slack": variable("The environment variable that has the address of a Slack webhook."),
		"secret": variable("The environment variable that has the key that messages are signed with."),
		"events": events.about("What it is told of; succeeded, failed and waiting unless said."),
	}).oneOfKeys("url", "slack").never("slack", "secret")
	return schema{"anyOf": []any{url, hook}}
}
