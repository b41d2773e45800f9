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
	k := store.Key{Pipeline: "storefront", Target: "web-1"}
	name := artifactName(k, 12, "sha256:"+strings.Repeat("0123456789abcdef", 4))
	if name != "sluice-state.storefront.web-1.g12.0123456789abcdef" {
		t.Errorf("name %s", name)
	}
	if c, ok := parseName(name); !ok || c.key != k || c.generation != 12 || c.mark != "0123456789abcdef" {
		t.Errorf("read as %+v, %v", c, ok)
	}
	for _, other := range []string{"sluice-state.a.b.g+1.0123456789abcdef", "sluice-state.a.b.g01.0123456789abcdef", "sluice-state.a.b.g1.0123456789abcde/"} {
		if c, ok := parseName(other); ok {
			t.Errorf("%q is read as %+v", other, c)
		}
	}
}
