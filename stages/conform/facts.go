package conform

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"sluice/stages/driver"
)

// kinds are all kinds of the contract.
func kinds() []driver.Kind {
	return []driver.Kind{
		driver.Deploy, driver.Weight, driver.Stable, driver.Disable, driver.Rollback,
		driver.Approve, driver.Reject, driver.Advance, driver.RetryJob, driver.IgnoreJob, driver.Cancel, driver.Terminate,
		driver.Host, driver.Route, driver.Unroute, driver.Unhost,
	}
}

// forTesters are the kinds by which testers alone get a release, in the order in which
// each is possible.
func forTesters() []driver.Kind {
	return []driver.Kind{driver.Host, driver.Route, driver.Unroute, driver.Unhost}
}

// checkFacts: what is said of a platform before anything runs makes sense.
func checkFacts(t T, h Harness) {
	f := h.Facts
	if !regexp.MustCompile(`^[a-z][a-z0-9]*$`).MatchString(f.Platform) || f.Title == "" {
		t.Errorf("platform %q, title %q", f.Platform, f.Title)
	}
	if !f.Supports(driver.Deploy) || len(slices.Compact(slices.Sorted(slices.Values(f.Kinds)))) != len(f.Kinds) {
		t.Errorf("kinds %v: deploy must be among them, none twice", f.Kinds)
	}
	for _, k := range f.Kinds {
		// A platform that previews takes a word on its preview without owning rollouts,
		// and one may stop an operation.
		decides := k == driver.Approve || k == driver.Reject || k == driver.Terminate
		if !slices.Contains(kinds(), k) || k.IsCommand() && !f.Remote && !decides {
			t.Errorf("kind %q of a platform with Remote %t", k, f.Remote)
		}
	}
	if f.Supports(driver.Weight) != f.Supports(driver.Stable) {
		t.Error("traffic that can be given a share must be made stable too")
	}
	if f.Split != (driver.Split{}) && !f.Supports(driver.Weight) || f.Split.Leaves && !f.Supports(driver.Disable) {
		t.Errorf("splits traffic %+v with kinds %v", f.Split, f.Kinds)
	}
	checkTesters(t, h)
	// A zero field means the engine's own.
	if b := f.Backoff; b.Initial < 0 || b.Max != 0 && b.Max < b.Initial || b.Factor != 0 && b.Factor < 1 || b.Jitter < 0 || b.Jitter >= 1 {
		t.Errorf("backoff %+v", b)
	}
	if f.Settle < 0 || f.Batch < 0 {
		t.Errorf("settle %s, batch %d", f.Settle, f.Batch)
	}
	if len(f.Secrets) == 0 && h.Rejected != nil {
		t.Error("no variable holds the credentials: nothing would be masked")
	}
	checkKeys(t, h)
	checkConsole(t, f)
}

// checkTesters: whoever can show a release to testers can take that away too, and says
// what they may send.
func checkTesters(t T, h Harness) {
	f, all := h.Facts, forTesters()
	for _, kind := range all {
		if f.Supports(kind) != f.Supports(all[0]) || f.Supports(kind) && !f.Supports(driver.Weight) {
			t.Errorf("kinds %v: all of %v, beside weight, or none", f.Kinds, all)
		}
	}
	if f.Supports(driver.Route) != (h.Header != nil) {
		t.Fatalf("kinds %v, and the harness's testers send %+v", f.Kinds, h.Header)
	}
	if h.Header == nil {
		return
	}
	for text, pattern := range map[string]string{h.Header.Domain: f.Headers.Domain, h.Header.Name: f.Headers.Name, h.Header.Value: f.Headers.Value} {
		if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text) {
			t.Errorf("the harness's own %q does not match %s", text, pattern)
		}
	}
}

// digests: what runs, and what is resolved, is an artifact by its digest, where the
// platform says so, and nowhere else.
func digests(b *Bench) {
	form := regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	for _, r := range []driver.Release{b.Current(b.Members[0].Source), b.earlier} {
		if form.MatchString(r.Digest) != b.Facts.Digests || !b.Facts.Digests && r.Digest != "" {
			b.Errorf("the facts say that it tells digests: %t; %s has %q", b.Facts.Digests, r.ID, r.Digest)
		}
	}
}

// checkConsole: the address of the platform's console has no key in it that targets have
// not.
func checkConsole(t T, f driver.Facts) {
	for _, m := range regexp.MustCompile(`\{(.*?)\}`).FindAllStringSubmatch(f.Console, -1) {
		if !slices.ContainsFunc(f.Keys, func(k driver.Key) bool { return k.Name == m[1] && k.Type == driver.String }) {
			t.Errorf("console %s: no key %s", f.Console, m[1])
		}
	}
	if f.Console != "" && !strings.HasPrefix(f.Console, "https://") {
		t.Errorf("console %s: want https", f.Console)
	}
}

func checkKeys(t T, h Harness) {
	var config map[string]any
	if err := json.Unmarshal(h.Members[0].Target.Config, &config); err != nil {
		t.Fatal(err)
	}
	identity := false
	for _, k := range h.Facts.Keys {
		identity = identity || k.Identity
		checkKey(t, k)
		value, given := config[k.Name]
		delete(config, k.Name)
		if k.Required && !given {
			t.Errorf("the harness's target has no %s", k.Name)
		}
		if text, ok := value.(string); ok && k.Pattern != "" && !regexp.MustCompile(`^(?:`+k.Pattern+`)$`).MatchString(text) {
			t.Errorf("key %s: the harness's own %q does not match %s", k.Name, text, k.Pattern)
		}
	}
	if !identity {
		t.Error("no key names the resource: two targets could share it")
	}
	if len(config) > 0 {
		t.Errorf("the harness's target has keys that are not declared: %v", config)
	}
}

func checkKey(t T, k driver.Key) {
	if k.Name == "" || k.Doc == "" || !slices.Contains([]driver.KeyType{driver.String, driver.Bool, driver.StringList, driver.Command}, k.Type) {
		t.Errorf("key %+v needs a name, a type and a sentence of documentation", k)
	}
	if _, err := regexp.Compile(k.Pattern); err != nil {
		t.Errorf("key %s: %v", k.Name, err)
	}
	if (k.Pattern == "") != (k.Hint == "") {
		t.Errorf("key %s: a pattern needs a hint in words, and a hint a pattern", k.Name)
	}
}
