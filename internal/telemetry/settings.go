package telemetry

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/internal/actions/endpoint"
)

// The variables that people set, as OpenTelemetry names them
// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and
// …/configuration/sdk-environment-variables/).
const (
	disabledVar    = "OTEL_SDK_DISABLED"
	serviceVar     = "OTEL_SERVICE_NAME"
	resourceVar    = "OTEL_RESOURCE_ATTRIBUTES"
	samplerVar     = "OTEL_TRACES_SAMPLER"
	preferenceVar  = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
	parentVar      = "TRACEPARENT"
	prefix         = "OTEL_EXPORTER_OTLP_"
	defaultAddress = "http://localhost:4318"
	defaultTimeout = 10 * time.Second
	longestTimeout = time.Minute
	protocol       = "http/json"
)

// signal is what is exported: traces or metrics.
type signal struct{ name, path string }

func traces() signal  { return signal{"TRACES", "v1/traces"} }
func metrics() signal { return signal{"METRICS", "v1/metrics"} }

// Settings are where telemetry goes.
type Settings struct {
	traces, metrics *target // nil: off
	resource        map[string]string
	delta           bool // metrics are told as what was added
	parent          *spanContext
}

// target is where one signal goes.
type target struct {
	url     string
	headers map[string]string
	gzip    bool
	timeout time.Duration // of one request with its repetitions
}

// On reports whether anything is exported.
func (s Settings) On() bool { return s.traces != nil || s.metrics != nil }

// Addresses are where traces and metrics go, as far as they are on.
func (s Settings) Addresses() []string {
	var addresses []string
	for _, t := range []*target{s.traces, s.metrics} {
		if t != nil {
			addresses = append(addresses, t.url)
		}
	}
	return addresses
}

// Secrets are the values of the headers: they authenticate.
func (s Settings) Secrets() []string {
	var secrets []string
	for _, t := range []*target{s.traces, s.metrics} {
		if t == nil {
			continue
		}
		for _, value := range t.headers {
			secrets = append(secrets, value)
			if _, token, ok := strings.Cut(value, " "); ok { // "Bearer …"
				secrets = append(secrets, token)
			}
		}
	}
	return secrets
}

// Asked reports whether the environment asks for telemetry at all.
func Asked(getenv func(string) string) bool {
	for _, name := range []string{prefix + "ENDPOINT", prefix + "TRACES_ENDPOINT", prefix + "METRICS_ENDPOINT"} {
		if getenv(name) != "" {
			return true
		}
	}
	return getenv("OTEL_TRACES_EXPORTER") == "otlp" || getenv("OTEL_METRICS_EXPORTER") == "otlp"
}

// Read reads the settings. What cannot be is off, and a warning says why and what to set.
func Read(getenv func(string) string) (Settings, []string) {
	r := reader{getenv: func(name string) string { return strings.TrimSpace(getenv(name)) }}
	if !Asked(r.getenv) || strings.EqualFold(r.getenv(disabledVar), "true") {
		return Settings{}, nil
	}
	s := Settings{traces: r.target(traces()), metrics: r.target(metrics()), resource: r.resource()}
	switch sampler := r.getenv(samplerVar); sampler {
	case "", "always_on", "parentbased_always_on":
	case "always_off":
		s.traces = nil
	default:
		r.warn("%s=%s is not supported: every promotion is one trace, and all of them are exported; set always_on or always_off", samplerVar, sampler)
	}
	switch want := strings.ToLower(r.getenv(preferenceVar)); want {
	case "", "cumulative":
	case "delta", "lowmemory":
		s.delta = true
	default:
		r.warn("%s=%s is none of cumulative, delta, lowmemory; it is cumulative", preferenceVar, want)
	}
	if text := r.getenv(parentVar); text != "" {
		if s.parent = parentOf(text); s.parent == nil {
			r.warn("%s is no trace context (00-TRACE-SPAN-FLAGS of W3C Trace Context); nothing is linked to it", parentVar)
		}
	}
	return s, r.warnings
}

// reader reads the variables, and notes what is wrong with them.
type reader struct {
	getenv   func(string) string
	warnings []string
}

func (r *reader) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.warnings, text) {
		r.warnings = append(r.warnings, text)
	}
}

// of is the variable of a signal, else the one of all; name says which it was.
func (r *reader) of(s signal, key string) (name, value string) {
	own, all := prefix+s.name+"_"+key, prefix+key
	if value := r.getenv(own); value != "" {
		return own, value
	}
	return all, r.getenv(all)
}

// target is where a signal goes; nil where it is off.
func (r *reader) target(s signal) *target {
	exporter := "OTEL_" + s.name + "_EXPORTER"
	switch wanted := r.getenv(exporter); wanted {
	case "", "otlp":
	case "none":
		return nil
	default:
		r.warn("%s=%s is not supported, and no %s are exported; set otlp or none", exporter, wanted, strings.ToLower(s.name))
		return nil
	}
	if name, wanted := r.of(s, "PROTOCOL"); wanted != "" && wanted != protocol {
		r.warn("%s=%s is not supported, and no %s are exported; set %s=%s: collectors take it at the same port as http/protobuf (4318)", name, wanted, strings.ToLower(s.name), name, protocol)
		return nil
	}
	t := &target{headers: r.headers(s), timeout: r.timeout(s)}
	address, ok := r.address(s, t)
	if !ok {
		return nil
	}
	t.url = address
	switch name, how := r.of(s, "COMPRESSION"); how {
	case "", "none":
	case "gzip":
		t.gzip = true
	default:
		r.warn("%s=%s is none of gzip, none; nothing is compressed", name, how)
	}
	for _, key := range []string{"CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"} {
		if name, value := r.of(s, key); value != "" {
			r.warn("%s is not supported; SSL_CERT_FILE names the certificates that are trusted", name)
		}
	}
	return t
}

// address is where a signal goes: its own variable's as it stands, else that of all with
// the signal's path behind it.
func (r *reader) address(s signal, t *target) (string, bool) {
	own := prefix + s.name + "_ENDPOINT"
	name, raw, path := own, r.getenv(own), ""
	if raw == "" {
		name, raw, path = prefix+"ENDPOINT", r.getenv(prefix+"ENDPOINT"), s.path
	}
	if raw == "" {
		if r.getenv("OTEL_"+s.name+"_EXPORTER") != "otlp" {
			return "", false
		}
		raw = defaultAddress
	}
	u, err := r.allowed(name, raw, len(t.headers) > 0)
	if err != nil {
		r.warn("no %s are exported: %v", strings.ToLower(s.name), err)
		return "", false
	}
	if path != "" {
		u = u.JoinPath(path)
	}
	return u.String(), true
}

// allowed is an address that may be sent to: https, plain http on loopback, and without
// credentials a name of this network such as http://otel-collector:4318.
func (r *reader) allowed(name, raw string, secret bool) (*url.URL, error) {
	u, err := endpoint.Check(name, raw)
	if err == nil {
		return u, nil
	}
	u, parsed := endpoint.Parse(name, raw)
	switch {
	case parsed != nil || u.Scheme != "http":
		return nil, err
	case strings.Contains(u.Hostname(), "."), strings.Contains(u.Hostname(), ":"):
		return nil, fmt.Errorf("%s: http://%s would be sent unencrypted over a network; use https, plain http is for loopback and for names without a dot", name, u.Host)
	case secret:
		return nil, fmt.Errorf("%s: http://%s would send the headers unencrypted; use https, or leave out %sHEADERS", name, u.Host, prefix)
	default:
		return u, nil
	}
}

// headers are those of a signal: key=value, with commas between, values percent-encoded.
func (r *reader) headers(s signal) map[string]string {
	name, text := r.of(s, "HEADERS")
	headers, err := pairs(text)
	if err != nil {
		r.warn("%s: %v; that one is not sent", name, err)
	}
	return headers
}

func (r *reader) timeout(s signal) time.Duration {
	name, text := r.of(s, "TIMEOUT")
	if text == "" {
		return defaultTimeout
	}
	ms, err := strconv.Atoi(text)
	if err != nil || ms < 1 {
		r.warn("%s=%s is no number of milliseconds; it is %d", name, text, defaultTimeout.Milliseconds())
		return defaultTimeout
	}
	return min(time.Duration(ms)*time.Millisecond, longestTimeout)
}

// resource is what people say of who tells; the name of the service counts before it.
func (r *reader) resource() map[string]string {
	given, err := pairs(r.getenv(resourceVar))
	if err != nil {
		r.warn("%s: %v; that one is left out", resourceVar, err)
	}
	resource := map[string]string{"service.name": "sluice"}
	maps.Copy(resource, given)
	if name := r.getenv(serviceVar); name != "" {
		resource["service.name"] = name
	}
	return resource
}

// errPair does not say what stands there: it may be a secret.
var errPair = errors.New("want key=value with commas between, and the values percent-encoded")

// pairs reads key=value,key=value. What cannot be read is left out, and the error says so.
func pairs(text string) (map[string]string, error) {
	found := map[string]string{}
	var wrong error
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		key, err := url.PathUnescape(strings.TrimSpace(key))
		decoded, valueErr := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil || valueErr != nil || strings.ContainsAny(key+decoded, "\r\n\x00") {
			wrong = errPair
			continue
		}
		found[key] = decoded
	}
	return found, wrong
}
