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
	"github.com/cenkalti/backoff/v5"

	"sluice/internal/store"
)

// listFrom is how many entries are worth a list, which says of all at once which
// were never written.
const listFrom = 8

// bucket keeps records as objects.
type bucket struct {
	place   place
	wait    time.Duration // before an undecided write is sent again
	connect func(context.Context) (*s3.Client, error)
	foreign bool // a server that is not AWS's

	asking   sync.Mutex
	asked    bool // the server was asked whether it compares before it deletes
	compares bool // and does

	mu      sync.Mutex
	removed map[store.Key]string // the versions of objects that stand for removed entries
}

// Facts say that the store swaps, record by record, and that AWS authenticated
// whoever writes.
func (s *bucket) Facts() store.Facts {
	return store.Facts{Name: s.place.String(), Swap: true, Identity: true}
}

// Read reads the objects. Only S3's own NoSuchKey is "never written": without
// the permission to list, S3 answers 403 for an object that does not exist. Of many,
// a list of their folders is the proof.
func (s *bucket) Read(ctx context.Context, keys []store.Key) ([]store.Stored, error) {
	there, err := s.there(ctx, keys)
	if err != nil {
		return nil, err
	}
	return store.ReadEach(ctx, keys, func(ctx context.Context, k store.Key) (store.Stored, error) {
		if there != nil && !there[k] {
			return store.Stored{Entry: store.Entry{Key: k}}, nil
		}
		return s.get(ctx, k)
	})
}

// there lists, once a folder, which of many entries have an object; nil of few.
func (s *bucket) there(ctx context.Context, keys []store.Key) (map[store.Key]bool, error) {
	if len(keys) < listFrom {
		return nil, nil
	}
	there, folders := map[store.Key]bool{}, map[string]bool{}
	for _, k := range keys {
		if folders[k.Folder()] {
			continue
		}
		folders[k.Folder()] = true
		found, err := s.list(ctx, k.Pipeline, k.Kind)
		if err != nil {
			return nil, s.unreadable(store.Key{}, "read", err)
		}
		for _, f := range found {
			there[f] = true
		}
	}
	return there, nil
}

// looks is how often an object is read that is not whole: one bad answer says
// nothing about it.
const looks = 3

// errAnswer marks an answer of success that is not S3's, or not whole.
var errAnswer = errors.New("the answer is not S3's")

// get reads one object, up to three times until the answer is a record.
func (s *bucket) get(ctx context.Context, k store.Key) (store.Stored, error) {
	return backoff.Retry(ctx, func() (store.Stored, error) {
		found, err := s.look(ctx, k)
		if err != nil && !errors.Is(err, errAnswer) {
			err = backoff.Permanent(err)
		}
		return found, err
	}, backoff.WithBackOff(s.delays()), backoff.WithMaxTries(looks), backoff.WithMaxElapsedTime(0))
}

func (s *bucket) look(ctx context.Context, k store.Key) (store.Stored, error) {
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
	err = errors.Join(err, answer.Body.Close())
	if err == nil && len(text) > store.MaxStored {
		err = fmt.Errorf("it is longer than the %d bytes that a record may have", store.MaxStored)
	}
	if err != nil {
		return never, s.unreadable(k, "read", fmt.Errorf("%w: %w", errAnswer, err))
	}
	return s.open(k, text, aws.ToString(answer.ETag))
}

func (s *bucket) open(k store.Key, text []byte, etag string) (store.Stored, error) {
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
	return found, nil
}

// bury notes the version of the object that stands for an entry which is removed.
func (s *bucket) bury(k store.Key, etag string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed[k] = etag
}

// grave is the version of the object that stands for a removed entry, as this
// process knows it; "" where it knows of none.
func (s *bucket) grave(k store.Key) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed[k]
}

// List returns the entries of one kind that have an object. One that stands for a
// removed entry, because it could not be deleted, is among them.
func (s *bucket) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	keys, err := s.list(ctx, pipeline, kind)
	if err != nil {
		return nil, s.unreadable(store.Key{}, "list", err)
	}
	return keys, nil
}

// maxPages bounds a list: a million objects.
const maxPages = 1000

// list reads all pages. Each says by itself whether it is the last.
func (s *bucket) list(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
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
func (s *bucket) page(ctx context.Context, client *s3.Client, input *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	return backoff.Retry(ctx, func() (*s3.ListObjectsV2Output, error) {
		page, err := client.ListObjectsV2(ctx, input)
		if err != nil && isDoubtful(err) {
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

func (s *bucket) delays() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: s.wait, Multiplier: 2, MaxInterval: 20 * s.wait, RandomizationFactor: 0.5}
}
