package s3

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cenkalti/backoff/v5"

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
	// errReceipt is a write whose answer is not S3's, and that the object does not
	// show.
	errReceipt = errors.New("the write was answered by something that is not S3, and the object is as it was")
)

// Swap writes the objects side by side.
func (s *bucket) Swap(ctx context.Context, saves []store.Save) []store.Swapped {
	return store.SwapEach(saves, func(save store.Save) (store.Swapped, error) { return s.write(ctx, save) })
}

// write replaces one object if it is still what the save was loaded as.
func (s *bucket) write(ctx context.Context, save store.Save) (store.Swapped, error) {
	version, err := backoff.Retry(ctx, func() (string, error) {
		version, err := s.put(ctx, save)
		if err != nil && !errors.Is(err, errUndecided) && !errors.Is(err, errReceipt) {
			err = backoff.Permanent(err)
		}
		return version, err
	}, backoff.WithBackOff(s.delays()), backoff.WithMaxTries(tries), backoff.WithMaxElapsedTime(0))
	switch {
	case errors.Is(err, errReceipt):
		return store.Swapped{}, s.unreadable(save.Key, "write", err)
	case errors.Is(err, errUndecided):
		return store.Swapped{}, &store.ConflictError{Keys: []store.Key{save.Key}, Who: []string{errUndecided.Error()}}
	case err != nil:
		return store.Swapped{}, err
	case save.Removes():
		s.bury(save.Key, version)
		s.drop(ctx, save.Key, version)
		return store.Swapped{}, nil
	default:
		return store.Swapped{Version: version, Location: s.place.address(save.Key)}, nil
	}
}

// drop deletes the object that stands for a removed entry, unless it was written
// over meanwhile. Where that may not be done it stays: it is read as nothing.
func (s *bucket) drop(ctx context.Context, k store.Key, version string) {
	client, err := s.connect(ctx)
	if err != nil || version == "" || !s.comparesDeletes(ctx, client, k) {
		return
	}
	if _, err := client.DeleteObject(ctx, s.deletion(s.place.object(k), version)); err == nil {
		s.bury(k, "")
	}
}

func (s *bucket) deletion(object, version string) *s3.DeleteObjectInput {
	return &s3.DeleteObjectInput{Bucket: &s.place.bucket, Key: &object, IfMatch: &version}
}

// absent is the end of a name that no entry has.
const absent = ".never"

// comparesDeletes reports whether the server looks at the condition of a deletion.
// AWS does. MinIO's deletes whatever is there (minio/minio#21677), and would lose what
// was saved meanwhile; so another server is asked once to delete an object that does
// not exist under a condition, which one that looks at it refuses.
func (s *bucket) comparesDeletes(ctx context.Context, client *s3.Client, k store.Key) bool {
	if !s.foreign {
		return true
	}
	s.asking.Lock()
	defer s.asking.Unlock()
	if !s.asked {
		_, err := client.DeleteObject(ctx, s.deletion(s.place.object(k)+absent, `"`+strings.Repeat("0", 32)+`"`))
		s.asked = err == nil || status(err) != 0
		s.compares = status(err) == http.StatusPreconditionFailed || status(err) == http.StatusNotFound
	}
	return s.compares
}

// put sends one conditional write. The SDK repeats it after a lost answer, and
// then it may fail against its own success.
func (s *bucket) put(ctx context.Context, e store.Save) (version string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	client, err := s.connect(ctx)
	if err != nil {
		return "", s.unreadable(e.Key, "write", err)
	}
	input := &s3.PutObjectInput{
		Bucket: &s.place.bucket, Key: aws.String(s.place.object(e.Key)),
		Body: bytes.NewReader(e.Text), ContentType: aws.String("application/json"),
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
	doubtful := err == nil || isDoubtful(err)
	if !doubtful && !isLostRace(err) {
		return "", s.unreadable(e.Key, "write", err)
	}
	if err == nil && isReceipt(answer) {
		return *answer.ETag, nil
	}
	version, unsettled := s.settle(ctx, e)
	if doubtful && errors.Is(unsettled, errUndecided) {
		return "", errReceipt
	}
	return version, unsettled
}

// isDoubtful reports whether an answer was success with something behind it that cannot
// be read, or a 404 that says nothing in S3's words: nothing follows from it.
func isDoubtful(err error) bool {
	return status(err) == http.StatusOK || status(err) == http.StatusNotFound && code(err) == ""
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
func (s *bucket) settle(ctx context.Context, e store.Save) (version string, err error) {
	now, err := s.get(ctx, e.Key)
	switch {
	case err != nil:
		return "", err
	case now.Digest == e.Digest:
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
