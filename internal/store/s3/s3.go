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
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"sluice/internal/guard"
	"sluice/internal/store"
	"sluice/internal/transport"
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
	removed map[store.Key]string    // the versions of objects that stand for removed entries
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
			return guard.Do("read state of "+k.String(), func() (err error) {
				found[i], err = s.get(ctx, k)
				return err
			})
		})
	}
	return found, group.Wait()
}

// looks is how often an object is read that is not whole: one bad answer says
// nothing about it.
const looks = 3

// errAnswer marks an answer of success that is not S3's, or not whole.
var errAnswer = errors.New("the answer is not S3's")

// get reads one object, up to three times until the answer is a record.
func (s *Store) get(ctx context.Context, k store.Key) (store.Stored, error) {
	return backoff.Retry(ctx, func() (store.Stored, error) {
		found, err := s.look(ctx, k)
		if err != nil && !errors.Is(err, errAnswer) {
			err = backoff.Permanent(err)
		}
		return found, err
	}, backoff.WithBackOff(s.delays()), backoff.WithMaxTries(looks), backoff.WithMaxElapsedTime(0))
}

func (s *Store) look(ctx context.Context, k store.Key) (store.Stored, error) {
	never := store.Stored{Entry: store.Entry{Key: k}}
	client, err := s.connect(ctx)
	if err != nil {
		return never, s.unreadable(k, "read", err)
	}
	answer, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.place.bucket, Key: aws.String(s.place.object(k))})
	if code(err) == "NoSuchKey" && status(err) == http.StatusNotFound {
		return never, nil
	}
	if status(err) == http.StatusNotFound && code(err) != "NoSuchBucket" { // S3 says what it does not find
		err = fmt.Errorf("%w: %w", errAnswer, err)
	}
	if err != nil {
		return never, s.unreadable(k, "read", err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, store.MaxStored+1))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return never, s.unreadable(k, "read", err)
	}
	if len(text) > store.MaxStored {
		return never, s.unreadable(k, "read", fmt.Errorf("it is longer than the %d bytes that a record may have", store.MaxStored))
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
			Key: k, Op: "read", Err: fmt.Errorf("%s: %w: %w", s.place.address(k), errAnswer, err),
			Remedy: "restore an older version of the object, or delete it and adopt what runs today with `sluice state import`",
		}
	}
	found.Version = etag
	if found.IsRemoval() {
		s.bury(k, etag)
		return store.Stored{Entry: store.Entry{Key: k}, By: found.By, Digest: found.Digest}, nil
	}
	s.learn(found)
	return found, nil
}

// bury notes the version of the object that stands for an entry which is removed.
func (s *Store) bury(k store.Key, etag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed[k] = etag
}

// grave is the version of the object that stands for a removed entry, as this
// process knows it; "" where it knows of none.
func (s *Store) grave(k store.Key) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed[k]
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

// List returns the entries of one kind that have an object. One that stands for a
// removed entry, because it could not be deleted, is among them.
func (s *Store) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	if err := store.CheckList(pipeline, kind); err != nil {
		return nil, err
	}
	keys, err := s.list(ctx, pipeline, kind)
	if cancelled := store.Cancelled(ctx, "list"); cancelled != nil {
		return nil, cancelled
	}
	if err != nil {
		return nil, s.unreadable(store.Key{}, "list", err)
	}
	store.SortKeys(keys)
	return keys, nil
}

// maxPages bounds a list: a million objects.
const maxPages = 1000

// list reads all pages. Each says by itself whether it is the last.
func (s *Store) list(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	client, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	prefix := s.place.prefix + store.Key{Pipeline: pipeline, Kind: kind}.Folder() + "/"
	input := &s3.ListObjectsV2Input{Bucket: &s.place.bucket, Prefix: &prefix}
	var keys []store.Key
	for range maxPages {
		page, err := s.page(ctx, client, input)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			if k, ok := store.KeyOfPath(strings.TrimPrefix(aws.ToString(object.Key), s.place.prefix)); ok {
				keys = append(keys, k)
			}
		}
		if !*page.IsTruncated {
			return keys, nil
		}
		input.ContinuationToken = page.NextContinuationToken
	}
	return nil, fmt.Errorf("more than %d pages of objects", maxPages)
}

// page reads one page, up to three times until the answer is one.
func (s *Store) page(ctx context.Context, client *s3.Client, input *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	return backoff.Retry(ctx, func() (*s3.ListObjectsV2Output, error) {
		page, err := client.ListObjectsV2(ctx, input)
		if _, undecoded := errors.AsType[*smithy.DeserializationError](err); undecoded && status(err) == http.StatusOK && !isLong(err) {
			return nil, fmt.Errorf("%w: %w", errAnswer, err)
		}
		if err != nil {
			return nil, backoff.Permanent(err)
		}
		return page, whole(page, input)
	}, backoff.WithBackOff(s.delays()), backoff.WithMaxTries(looks), backoff.WithMaxElapsedTime(0))
}

// whole says what a page lacks to be believed.
func whole(page *s3.ListObjectsV2Output, input *s3.ListObjectsV2Input) error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", errAnswer, what) }
	next := aws.ToString(page.NextContinuationToken)
	switch {
	case aws.ToString(page.Name) != *input.Bucket:
		return wrong("a list that is not of the bucket")
	case page.IsTruncated == nil:
		return wrong("a list that does not say whether it is whole")
	case *page.IsTruncated && (next == "" || next == aws.ToString(input.ContinuationToken)):
		return wrong("a list that is not whole, and does not say how it goes on")
	case page.KeyCount != nil && int(*page.KeyCount) != len(page.Contents):
		return wrong(fmt.Sprintf("a list of %d objects that counts %d", len(page.Contents), *page.KeyCount))
	}
	for _, object := range page.Contents {
		if !strings.HasPrefix(aws.ToString(object.Key), *input.Prefix) {
			return wrong("a list with an object of another name")
		}
	}
	return nil
}

func (s *Store) delays() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: s.wait, Multiplier: 2, MaxInterval: 20 * s.wait, RandomizationFactor: 0.5}
}

// isLong reports whether an answer was refused for its length.
func isLong(err error) bool {
	_, ok := errors.AsType[*transport.LimitError](err)
	return ok
}
