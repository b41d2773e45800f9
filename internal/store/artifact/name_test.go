package artifact

import (
	"strings"
	"testing"

	"sluice/internal/store"
)

// The parser of names is inside the package: what it accepts is the store's
// own business.

func FuzzParseName(f *testing.F) {
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	f.Add(artifactName(store.Key{Pipeline: "storefront", Target: "web"}, 12, digest))
	f.Add(artifactName(store.Key{Pipeline: "storefront", Kind: store.KindRun, Target: "run-1"}, 12, digest))
	f.Add("sluice-state.a.b.g+1.0123456789abcdef")
	f.Add("sluice-state.a.b.g01.0123456789abcdef")
	f.Add("sluice-state.a.../b.g1.0123456789abcdef")
	f.Add("sluice-state.a.b.g9223372036854775808.0123456789abcdef")
	f.Fuzz(func(t *testing.T, name string) {
		c, ok := parseName(name)
		if !ok {
			return
		}
		if c.key.Check() != nil || c.generation < 1 || artifactName(c.key, c.generation, c.mark) != name {
			t.Errorf("%q is read as %+v", name, c)
		}
	})
}

func TestNamesRoundTrip(t *testing.T) {
	for want, c := range map[string]candidate{
		"sluice-state.storefront.web-1.g12.0123456789abcdef":         {key: store.Key{Pipeline: "storefront", Target: "web-1"}},
		"sluice-state.storefront.web-1.history.g12.0123456789abcdef": {key: store.Key{Pipeline: "storefront", Kind: store.KindHistory, Target: "web-1"}},
		"sluice-state.storefront.7-x.run.g12.0123456789abcdef":       {key: store.Key{Pipeline: "storefront", Kind: store.KindRun, Target: "7-x"}},
	} {
		name := artifactName(c.key, 12, "sha256:"+strings.Repeat("0123456789abcdef", 4))
		if name != want {
			t.Errorf("name %s, want %s", name, want)
		}
		if got, ok := parseName(name); !ok || got.key != c.key || got.generation != 12 || got.mark != "0123456789abcdef" {
			t.Errorf("%s is read as %+v, %v", name, got, ok)
		}
	}
	for _, other := range []string{
		"sluice-state.a.b.g+1.0123456789abcdef", "sluice-state.a.b.g01.0123456789abcdef", "sluice-state.a.b.g1.0123456789abcde/",
		"sluice-state.a.b.y1.0123456789abcdef", "sluice-state.a.b..0123456789abcdef", "sluice-state.a.b.parcel.g1.0123456789abcdef",
		"sluice-state.a.b.run.c.g1.0123456789abcdef", "sluice-state.a.b..g1.0123456789abcdef",
	} {
		if c, ok := parseName(other); ok {
			t.Errorf("%q is read as %+v", other, c)
		}
	}
}
