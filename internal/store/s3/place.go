package s3

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"sluice/internal/store"
)

// place is a bucket and what the names of its objects begin with.
type place struct {
	bucket string
	prefix string // "" or with a slash at its end
}

var (
	bucketName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`) })
	// Characters that S3 calls safe in object names.
	prefixName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$`) })
)

// parsePlace reads "s3://bucket/prefix".
func parsePlace(location string) (place, error) {
	rest, ok := strings.CutPrefix(location, "s3://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	prefix = strings.TrimSuffix(prefix, "/")
	if !ok || !bucketName().MatchString(bucket) {
		return place{}, fmt.Errorf("state.store: %q does not name a bucket; write s3://bucket/prefix", location)
	}
	if prefix == "" {
		return place{bucket: bucket}, nil
	}
	for part := range strings.SplitSeq(prefix, "/") {
		if part == "." || part == ".." {
			return place{}, fmt.Errorf("state.store: %q has %q in its prefix; write s3://bucket/prefix", location, part)
		}
	}
	if len(prefix) > 512 || !prefixName().MatchString(prefix) {
		return place{}, fmt.Errorf("state.store: the prefix of %q: letters, digits and !_.*'()- between single slashes", location)
	}
	return place{bucket: bucket, prefix: prefix + "/"}, nil
}

// String is the place as state.store has it.
func (p place) String() string { return "s3://" + p.bucket + "/" + strings.TrimSuffix(p.prefix, "/") }

func (p place) object(k store.Key) string { return p.prefix + k.Path() }

func (p place) address(k store.Key) string { return "s3://" + p.bucket + "/" + p.object(k) }
