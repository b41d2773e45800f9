// Package s3 keeps state in an S3 bucket, or in anything that speaks S3 with
// conditional writes: one object per target, so that repositories can share
// it.
//
// A write carries If-Match or If-None-Match, so the store compares and swaps,
// object by object; a commit of several is not atomic. An S3-compatible server
// that ignores these headers would lose updates: use one that documents them.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"sluice/internal/store"
)

// atOnce bounds the objects that are read or written side by side.
const atOnce = 8

// Store keeps records as objects. Create one with [Open].
type Store struct {
	place   place
	by      string
	wait    time.Duration // before an undecided write is sent again
	connect func(context.Context) (*s3.Client, error)
	places  store.Places

	mu      sync.Mutex
	records map[string]store.Stored // by version: equal ETags of one key are equal content
}

// Facts say that the store swaps, record by record, and that AWS authenticated
// whoever writes.
func (s *Store) Facts() store.Facts {
	return store.Facts{Name: s.place.String(), Swap: true, Identity: true}
}

// Where lists the objects of this process's commits.
func (s *Store) Where() []store.Saved { return s.places.List() }

// Load reads the objects. Only S3's own NoSuchKey is "never written": without
// the permission to list, S3 answers 403 for an object that does not exist.
func (s *Store) Load(ctx context.Context, keys ...store.Key) ([]store.Entry, error) {
	if err := store.CheckKeys(keys); err != nil || len(keys) == 0 {
		return nil, err
	}
	found, err := s.read(ctx, keys)
	if cancelled := store.Cancelled(ctx, "read"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, err
	}
	entries := make([]store.Entry, len(keys))
	for i, f := range found {
		entries[i] = f.Entry
	}
	return entries, nil
}

func (s *Store) read(ctx context.Context, keys []store.Key) ([]store.Stored, error) {
	found := make([]store.Stored, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, k := range keys {
		group.Go(func() error {
			var err error
			found[i], err = s.get(ctx, k)
			return err
		})
	}
	return found, group.Wait()
}

// get reads one object.
func (s *Store) get(ctx context.Context, k store.Key) (store.Stored, error) {
	never := store.Stored{Entry: store.Entry{Key: k}}
	client, err := s.connect(ctx)
	if err != nil {
		return never, s.unreadable(k, "read", err)
	}
	answer, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.place.bucket, Key: aws.String(s.place.object(k))})
	if code(err) == "NoSuchKey" {
		return never, nil
	}
	if err != nil {
		return never, s.unreadable(k, "read", err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, store.MaxStored+1))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return never, s.unreadable(k, "read", err)
	}
	return s.open(k, text, aws.ToString(answer.ETag))
}

func (s *Store) open(k store.Key, text []byte, etag string) (store.Stored, error) {
	found, err := store.Decode(k, text)
	if err == nil && etag == "" {
		err = errors.New("the server gave no ETag")
	}
	if err != nil {
		return found, &store.UnreadableError{
			Key: k, Op: "read", Err: fmt.Errorf("%s: %w", s.place.address(k), err),
			Remedy: "restore an older version of the object, or delete it and adopt what runs today with `sluice state import`",
		}
	}
	found.Version = etag
	s.learn(found)
	return found, nil
}

func (s *Store) learn(found store.Stored) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records[found.Key.String()+found.Version] = found
}

// loaded is the record that a version stands for, where this process knows it.
func (s *Store) loaded(k store.Key, version string) (store.Stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.records[k.String()+version]
	return found, ok
}

// List returns the targets that have an object.
func (s *Store) List(ctx context.Context, pipeline string) ([]store.Key, error) {
	if err := store.CheckName("pipeline", pipeline); err != nil {
		return nil, &store.UnreadableError{Op: "list", Err: err, Remedy: "use the name that the pipeline file has"}
	}
	keys, err := s.list(ctx, pipeline)
	if cancelled := store.Cancelled(ctx, "list"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, s.unreadable(store.Key{}, "list", err)
	}
	slices.SortFunc(keys, func(a, b store.Key) int { return strings.Compare(a.Target, b.Target) })
	return keys, nil
}

func (s *Store) list(ctx context.Context, pipeline string) ([]store.Key, error) {
	client, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	prefix := s.place.folder(pipeline)
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &s.place.bucket, Prefix: &prefix})
	var keys []store.Key
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if aws.ToString(page.Name) == "" {
			return nil, errors.New("the answer is not a list of objects")
		}
		for _, object := range page.Contents {
			target, ok := strings.CutSuffix(strings.TrimPrefix(aws.ToString(object.Key), prefix), ".json")
			if k := (store.Key{Pipeline: pipeline, Target: target}); ok && k.Check() == nil {
				keys = append(keys, k)
			}
		}
	}
	return keys, nil
}
