package pipeline

import (
	"fmt"
	"regexp"

	"gopkg.in/yaml.v3"

	"sluice/stages/driver"
)

// What a hook may be told of, see [Hook.Events].
const (
	ToldSucceeded = "succeeded" // what the invocation was to do is done
	ToldFailed    = "failed"    // a target failed, or the invocation did
	ToldWaiting   = "waiting"   // a person is waited for
	ToldPending   = "pending"   // it goes on by itself
)

// Told lists what a hook may be told of.
func Told() []string { return []string{ToldSucceeded, ToldFailed, ToldWaiting, ToldPending} }

// Hook is who is told of what an invocation came to. Exactly one of URL and Slack
// is set.
type Hook struct {
	Pos    Pos
	URL    At[string]
	Slack  string   // the environment variable that has the address of an incoming webhook, which is a secret
	Secret string   // the environment variable that has the key that messages to URL are signed with; "" signs none
	Events []string // of [Told]; never empty
}

// readNotify reads the list of hooks.
func readNotify(w *walker, m mapping) []*Hook {
	var hooks []*Hook
	var addresses []At[string]
	for _, item := range m.items("notify", "a URL, or a mapping with url or slack") {
		h, ok := readHook(w, item)
		if !ok {
			continue
		}
		hooks = append(hooks, h)
		addresses = append(addresses, present(h.URL)...)
	}
	w.noDuplicates("notify", addresses)
	return hooks
}

// readHook reads one of them; a text is the URL of a webhook that is told everything
// but what goes on by itself.
func readHook(w *walker, n *yaml.Node) (*Hook, bool) {
	fallback := []string{ToldSucceeded, ToldFailed, ToldWaiting}
	if node := deref(n); node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str" {
		url := At[string]{Value: node.Value, Pos: w.pos(n)}
		checkHookURL(w, "notify", url)
		return &Hook{Pos: url.Pos, URL: url, Events: fallback}, true
	}
	m, ok := w.mapping(n, "a hook of notify", "url", "slack", "secret", "events")
	if !ok {
		return nil, false
	}
	h := &Hook{Pos: m.pos, URL: m.text("url"), Slack: m.variable("slack"), Secret: m.variable("secret"), Events: m.words("events", Told())}
	if kind, ok := m.exactlyOne("url", "slack"); ok && kind == "slack" && m.has("secret") {
		w.problem(w.pos(m.node("secret")), "secret: only belongs to url: Slack checks no signature; remove it")
	}
	if m.has("url") {
		checkHookURL(w, "url", h.URL)
	}
	switch {
	case !m.has("events"):
		h.Events = fallback
	case len(h.Events) == 0:
		m.someItems("events", "one such as failed")
	}
	return h, true
}

func checkHookURL(w *walker, key string, url At[string]) {
	if err := driver.CheckEndpoint(key, url.Value); err != nil && !w.unfilled[url.Pos] {
		w.problem(url.Pos, err.Error())
	}
}

// variable is the key's name of an environment variable, "" without the key.
func (m mapping) variable(key string) string {
	value := m.text(key)
	if m.has(key) && !regexp.MustCompile(variableForm).MatchString(value.Value) {
		m.w.problem(value.Pos, fmt.Sprintf("%s: %s is not the name of an environment variable; want one such as SLACK_WEBHOOK_URL, whose value stays a secret", key, quote(value.Value)))
	}
	return value.Value
}
