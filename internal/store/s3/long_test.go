package s3_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/store"
)

// endless is an object of which there is always more; it counts what is read.
type endless struct{ read int }

func (e *endless) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: -1,
		Header: http.Header{"Etag": {`"1"`}, "Content-Type": {"application/json"}}, Body: io.NopCloser(e),
	}, nil
}

// Read gives spaces, which JSON may begin with, for as long as a test can wait.
func (e *endless) Read(p []byte) (int, error) {
	if e.read > 20*store.MaxStored {
		return 0, errors.New("twenty times as much as a record may have was read")
	}
	e.read += len(p)
	return copy(p, strings.Repeat(" ", len(p))), nil
}

// TestEndlessObject: of an object that is longer than a record may be no more than
// that is read each of the three times, and none of it is believed.
func TestEndlessObject(t *testing.T) {
	object := &endless{}
	o := options(nil)
	o.Transport = object
	_, err := open(t, o).Load(t.Context(), web)
	if !store.IsUnreadable(err) {
		t.Errorf("it is %v", err)
	}
	if most := 3*store.MaxStored + 1<<20; object.read > most {
		t.Errorf("%d bytes were read, want at most %d: %v", object.read, most, err)
	}
}
