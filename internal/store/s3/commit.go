package s3

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"sluice/internal/guard"
	"sluice/internal/store"
)

// tries is how often a write is sent again because S3 answered 409: another
// write of the object was under way, and who was first is not decided.
const tries = 8

// firstWait is the time before the second try.
const firstWait = 50 * time.Millisecond

var (
	// errUndecided is S3's 409.
	errUndecided = errors.New("another write of the object was under way each time")
	// errReceipt is a write that was answered with success, and that the object
	// does not show.
	errReceipt = errors.New("the write was answered with success by something that is not S3, and the object is as it was")
)

// Commit writes the objects side by side, after those that this process knows
// were compared.
func (s *Store) Commit(ctx context.Context, entries ...store.Entry) ([]store.Entry, error) {
	if err := store.CheckCommit(entries); err != nil || len(entries) == 0 {
		return nil, err
	}
	if err := s.compare(ctx, entries); err != nil {
		if cancelled := store.Cancelled(ctx, "write"); cancelled != nil {
			return nil, cancelled
		}
		return nil, err
	}
	versions, errs := make([]string, len(entries)), make([]error, len(entries))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, e := range entries {
		group.Go(func() error {
			errs[i] = guard.Do("write state of "+e.Key.String(), func() (err error) {
				versions[i], err = s.write(ctx, e)
				return err
			})
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	var saved []store.Entry
	for i, e := range entries {
		if e.Version = versions[i]; errs[i] == nil {
			saved = append(saved, e)
		}
	}
	return saved, join(errs)
}

// join makes one conflict of several, so that all lost records are named.
func join(errs []error) error {
	lost := &store.ConflictError{}
	for _, err := range errs {
		if c, ok := errors.AsType[*store.ConflictError](err); ok {
			lost.Keys, lost.Who = append(lost.Keys, c.Keys...), append(lost.Who, c.Who...)
		} else if err != nil {
			return errors.Join(errs...)
		}
	}
	if len(lost.Keys) == 0 {
		return nil
	}
	return lost
}

// compare checks the generations before anything is written. A version that
// this process did not load is read first.
func (s *Store) compare(ctx context.Context, entries []store.Entry) error {
	if err := store.Cancelled(ctx, "write"); err != nil {
		return err
	}
	current := make([]store.Stored, len(entries))
	for i, e := range entries {
		found, ok := s.loaded(e.Key, e.Version)
		if !ok && e.Version != "" {
			var err error
			if found, err = s.get(ctx, e.Key); err != nil {
				return err
			}
		}
		current[i] = found
	}
	return store.Compare(current, entries)
}

// write replaces one object if it is still what e was loaded as.
func (s *Store) write(ctx context.Context, e store.Entry) (version string, err error) {
	encode := store.Encode
	if e.Data == nil {
		encode = store.EncodeRemoval
	}
	text, digest, err := encode(e, s.by)
	if err != nil {
		return "", s.unreadable(e.Key, "write", err)
	}
	version, err = backoff.Retry(ctx, func() (string, error) {
		version, err := s.put(ctx, e, text, digest)
		if err != nil && !errors.Is(err, errUndecided) && !errors.Is(err, errReceipt) {
			err = backoff.Permanent(err)
		}
		return version, err
	}, backoff.WithBackOff(s.delays()), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	if cancelled := store.Cancelled(ctx, "write"); err != nil && cancelled != nil {
		return "", cancelled
	}
	if errors.Is(err, errReceipt) {
		return "", s.unreadable(e.Key, "write", err)
	}
	if errors.Is(err, errUndecided) {
		return "", &store.ConflictError{Keys: []store.Key{e.Key}, Who: []string{errUndecided.Error()}}
	}
	if err != nil {
		return "", err
	}
	s.wrote(e, text, version)
	if e.Data == nil {
		s.places.Drop(e.Key)
		s.drop(ctx, e.Key, version)
		return "", nil
	}
	s.places.Add(e.Key, store.Saved{Location: s.place.address(e.Key), Digest: digest})
	return version, nil
}

// drop deletes the object that stands for a removed entry, unless it was written
// over meanwhile. Where that may not be done it stays: it is read as nothing.
func (s *Store) drop(ctx context.Context, k store.Key, version string) {
	client, err := s.connect(ctx)
	if err != nil || version == "" {
		return
	}
	input := &s3.DeleteObjectInput{Bucket: &s.place.bucket, Key: aws.String(s.place.object(k)), IfMatch: &version}
	if _, err := client.DeleteObject(ctx, input); err == nil {
		s.bury(k, "")
	}
}

// wrote notes what an object is now.
func (s *Store) wrote(e store.Entry, text []byte, version string) {
	if e.Data == nil {
		if version != "" {
			s.bury(e.Key, version)
		}
		return
	}
	if found, err := store.Decode(e.Key, text); err == nil {
		found.Version = version
		s.learn(found)
	}
}

// put sends one conditional write. The SDK repeats it after a lost answer, and
// then it may fail against its own success.
func (s *Store) put(ctx context.Context, e store.Entry, text []byte, digest string) (version string, err error) {
	if err := store.Cancelled(ctx, "write"); err != nil {
		return "", err
	}
	client, err := s.connect(ctx)
	if err != nil {
		return "", s.unreadable(e.Key, "write", err)
	}
	input := &s3.PutObjectInput{
		Bucket: &s.place.bucket, Key: aws.String(s.place.object(e.Key)),
		Body: bytes.NewReader(text), ContentType: aws.String("application/json"),
	}
	switch grave := s.grave(e.Key); {
	case e.Version != "":
		input.IfMatch = &e.Version
	case grave != "":
		input.IfMatch = &grave
	default:
		input.IfNoneMatch = aws.String("*")
	}
	answer, err := client.PutObject(ctx, input)
	if err != nil && !isLostRace(err) {
		return "", s.unreadable(e.Key, "write", err)
	}
	if err == nil && isReceipt(answer) {
		return *answer.ETag, nil
	}
	version, unsettled := s.settle(ctx, e, digest)
	if err == nil && errors.Is(unsettled, errUndecided) {
		return "", errReceipt
	}
	return version, unsettled
}

// isReceipt reports whether an answer of success is S3's: it names the new
// object's version, and has no body. Else it may be that of a proxy.
func isReceipt(answer *s3.PutObjectOutput) bool {
	raw, ok := awsmiddleware.GetRawResponse(answer.ResultMetadata).(*smithyhttp.Response)
	return aws.ToString(answer.ETag) != "" && ok && raw.ContentLength == 0
}

// settle looks what became of a conditional write that was refused, or whose
// answer is none: it had succeeded (the object is this very save), somebody else
// was first, or nobody was yet.
func (s *Store) settle(ctx context.Context, e store.Entry, digest string) (version string, err error) {
	now, err := s.get(ctx, e.Key)
	switch {
	case err != nil:
		return "", err
	case now.Digest == digest:
		return now.Version, nil
	case now.Version == e.Version:
		return "", errUndecided
	}
	lost := &store.ConflictError{Keys: []store.Key{e.Key}}
	if now.By != "" {
		lost.Who = []string{now.By}
	}
	return "", lost
}
