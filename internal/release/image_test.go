package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"sluice/internal/release/releasetest"
)

// newHub is a registry and the image's name in it.
func newHub(t *testing.T) (*releasetest.Registry, string) {
	t.Helper()
	hub := releasetest.NewRegistry()
	server := httptest.NewServer(hub)
	t.Cleanup(server.Close)
	return hub, strings.TrimPrefix(server.URL, "http://") + "/octo/sluice"
}

// built is a folder of binaries, and an image of them.
func built(t *testing.T, registryName string) image {
	t.Helper()
	dist := tree(t, map[string]string{"sluice-linux-amd64": "for amd64", "sluice-linux-arm64": "for arm64", "ca.crt": "authorities"})
	return image{Dist: dist, Certificates: filepath.Join(dist, "ca.crt"), Name: registryName, Version: "v1.2.3", Source: "https://example.com/octo/sluice"}
}

// TestImage: both architectures hold the release's own binaries, the same files make
// the same digest, and it is published only where everybody can pull it.
func TestImage(t *testing.T) {
	hub, registryName := newHub(t)
	i := built(t, registryName)
	reference, err := i.publish(t.Context(), "octo", releasetest.Token)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := pull(t.Context(), reference, i.Dist, &out); err == nil || !strings.Contains(err.Error(), "make the package public") {
		t.Errorf("a private package: %v, want a refusal that says what to do", err)
	}
	hub.Public.Store(true)
	if err := pull(t.Context(), reference, i.Dist, &out); err != nil {
		t.Error(err)
	}
	for _, architecture := range architectures {
		if !strings.Contains(out.String(), "linux/"+architecture) {
			t.Errorf("%s was not pulled:\n%s", architecture, out.String())
		}
	}
	if again, err := i.publish(t.Context(), "octo", releasetest.Token); err != nil || again != reference {
		t.Errorf("published again: %s (%v), want %s", again, err, reference)
	}
	if err := os.WriteFile(filepath.Join(i.Dist, "sluice-linux-arm64"), []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pull(t.Context(), reference, i.Dist, &out); err == nil || !strings.Contains(err.Error(), "arm64: /sluice is another one") {
		t.Errorf("another binary than the image's: %v", err)
	}
}

// TestImageConfig: what a runner needs to start it.
func TestImageConfig(t *testing.T) {
	hub, registryName := newHub(t)
	hub.Public.Store(true)
	i := built(t, registryName)
	if _, err := i.publish(t.Context(), "octo", releasetest.Token); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(registryName + ":v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != len(architectures) {
		t.Fatalf("%d images, want %d", len(manifest.Manifests), len(architectures))
	}
	for n, m := range manifest.Manifests {
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.OS != "linux" || config.Architecture != architectures[n] || m.Platform.Architecture != architectures[n] ||
			len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/sluice" ||
			config.Config.User != "" || config.Config.WorkingDir != "" || config.Config.Labels["org.opencontainers.image.source"] != i.Source {
			t.Errorf("%s: config %+v", architectures[n], config)
		}
	}
}

// TestImageRefused: nothing is published with a wrong name, token or folder.
func TestImageRefused(t *testing.T) {
	_, registryName := newHub(t)
	for name, test := range map[string]struct {
		token, want string
		change      func(*image)
	}{
		"token":  {token: "wrong", want: "publishing", change: func(*image) {}},
		"name":   {token: releasetest.Token, want: "the image's name", change: func(i *image) { i.Name = "Not A Name" }},
		"binary": {token: releasetest.Token, want: "sluice-linux-arm64", change: func(i *image) { _ = os.Remove(filepath.Join(i.Dist, "sluice-linux-arm64")) }},
	} {
		t.Run(name, func(t *testing.T) {
			i := built(t, registryName)
			test.change(&i)
			if _, err := i.publish(t.Context(), "octo", test.token); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
