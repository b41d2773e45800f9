package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// architectures are those of the image, each with a binary sluice-linux-ARCHITECTURE.
var architectures = []string{"amd64", "arm64"} //nolint:gochecknoglobals // a constant

const (
	binaryPath       = "sluice"
	certificatesPath = "etc/ssl/certs/ca-certificates.crt"
)

// image is what the image of a release is made of. It holds the release's own
// binaries and nothing is built for it, so that there is one build. The same files
// make the same digest.
type image struct {
	Dist, Certificates string // a folder, a file
	Name, Version      string // without a tag; the tag
	Source, Revision   string // recorded in the image
}

// publish sends the image to its registry under its version and returns its name with
// its digest, which is that of the index over all architectures.
func (i image) publish(ctx context.Context, user, token string) (string, error) {
	tag, err := name.NewTag(i.Name+":"+i.Version, name.StrictValidation)
	if err != nil {
		return "", fmt.Errorf("the image's name: %w", err)
	}
	index, err := i.index()
	if err != nil {
		return "", err
	}
	auth := authn.Anonymous
	if token != "" {
		auth = &authn.Basic{Username: user, Password: token}
	}
	if err := remote.WriteIndex(tag, index, remote.WithAuth(auth), remote.WithContext(ctx)); err != nil {
		return "", fmt.Errorf("publishing %s: %w", tag, err)
	}
	digest, err := index.Digest()
	if err != nil {
		return "", err
	}
	return i.Name + "@" + digest.String(), nil
}

// index is the image for each architecture.
func (i image) index() (v1.ImageIndex, error) {
	certificates, err := os.ReadFile(i.Certificates)
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range architectures {
		binary, err := os.ReadFile(filepath.Join(i.Dist, "sluice-linux-"+architecture))
		if err != nil {
			return nil, err
		}
		img, err := i.of(architecture, binary, certificates)
		if err != nil {
			return nil, fmt.Errorf("the image for %s: %w", architecture, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	return mutate.Annotations(index, i.labels()).(v1.ImageIndex), nil
}

// of is the image for one architecture: from nothing, like the one that Dockerfile makes.
func (i image) of(architecture string, binary, certificates []byte) (v1.Image, error) {
	layer, err := layerOf([]file{
		{name: certificatesPath, mode: 0o644, content: certificates},
		{name: binaryPath, mode: 0o755, content: binary},
	})
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.AppendLayers(img, layer)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", architecture
	config.Config.Entrypoint = []string{"/" + binaryPath}
	config.Config.Labels = i.labels()
	return mutate.ConfigFile(img, config)
}

// labels are the OCI names of what the image says about itself. By the source,
// GitHub's registry finds the repository that the image belongs to.
func (i image) labels() map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":    "Sluice",
		"org.opencontainers.image.licenses": "Apache-2.0",
		"org.opencontainers.image.version":  i.Version,
	}
	if i.Source != "" {
		labels["org.opencontainers.image.source"] = i.Source
	}
	if i.Revision != "" {
		labels["org.opencontainers.image.revision"] = i.Revision
	}
	return labels
}

type file struct {
	name    string
	mode    int64
	content []byte
}

// layerOf is a layer of the files, without owners and times.
func layerOf(files []file) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, f := range files {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: f.mode, Size: int64(len(f.content))}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// pull reads an image by its digest, as a job without credentials does, and compares
// what each architecture gets with the release's binaries.
func pull(ctx context.Context, reference, dist string, out io.Writer) error {
	digest, err := name.NewDigest(reference, name.StrictValidation)
	if err != nil {
		return fmt.Errorf("the image's name: %w", err)
	}
	index, err := remote.Index(digest, remote.WithContext(ctx), remote.WithAuth(authn.Anonymous))
	if err != nil {
		return fmt.Errorf("%s cannot be pulled without credentials; make the package public in its settings and run the release again: %w", digest, err)
	}
	for _, architecture := range architectures {
		if err := pullOne(index, architecture, dist); err != nil {
			return fmt.Errorf("%s for %s: %w", digest, architecture, err)
		}
		if _, err := fmt.Fprintf(out, "%s for linux/%s: the release's binary, pulled without credentials\n", digest, architecture); err != nil {
			return err
		}
	}
	return nil
}

func pullOne(index v1.ImageIndex, architecture, dist string) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, m := range manifest.Manifests {
		if m.Platform == nil || m.Platform.OS != "linux" || m.Platform.Architecture != architecture {
			continue
		}
		img, err := index.Image(m.Digest)
		if err != nil {
			return err
		}
		return sameBinary(img, filepath.Join(dist, "sluice-linux-"+architecture))
	}
	return errors.New("the image has no such platform")
}

// sameBinary compares the program in the image with a file.
func sameBinary(img v1.Image, path string) error {
	want, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content := mutate.Extract(img)
	defer content.Close() //nolint:errcheck // what was read was checked by its digest
	archive := tar.NewReader(content)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the image has no /%s", binaryPath)
		}
		if err != nil {
			return err
		}
		if strings.TrimPrefix(header.Name, "/") != binaryPath {
			continue
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, archive); err != nil { //nolint:gosec // the size is that of the release's binary
			return err
		}
		if want := sha256.Sum256(want); !bytes.Equal(hash.Sum(nil), want[:]) {
			return fmt.Errorf("/%s is another one than %s", binaryPath, path)
		}
		return nil
	}
}
