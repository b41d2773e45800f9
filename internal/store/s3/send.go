package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/internal/transport"
)

// maxAnswer is the most that is read of an answer that holds no record: a page
// of a list names at most a thousand objects.
const maxAnswer = 2 << 20

// client sends requests under the rules of [transport], and reads so much of an
// answer.
func (o Options) client(limit int64) *http.Client {
	return &http.Client{
		Transport: transport.New(o.Transport, transport.Options{Limit: limit, Raw: true}),
		// A redirect is never followed: it would carry credentials and records elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// measured finds the length of an answer to a write.
func measured(operation string, answer *smithyhttp.Response) error {
	if operation != "PutObject" {
		return nil
	}
	return measure(answer)
}

// measure finds the length of an answer that does not tell it.
func measure(answer *smithyhttp.Response) error {
	if answer.ContentLength >= 0 {
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	answer.ContentLength, answer.Body = int64(len(text)), io.NopCloser(bytes.NewReader(text))
	return nil
}
