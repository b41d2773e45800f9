package s3

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/config"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"sluice/internal/awssend"
	"sluice/internal/store"
	"sluice/internal/transport"
)

// maxAnswer is the most that is read of an answer that holds no record: a page
// of a list names at most a thousand objects.
const maxAnswer = 2 << 20

// sender sends the requests of all of the SDK's clients, those of its
// credential chain too, under the rules of [transport], as [awssend] does.
type sender struct {
	record, other *http.Client
	secret        func(string)
}

func newSender(o Options) *sender {
	client := func(limit int64) *http.Client {
		return &http.Client{
			Transport: transport.New(o.Transport, transport.Options{Limit: limit, Raw: true}),
			// A redirect is never followed: it would carry credentials and records elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &sender{record: client(store.MaxStored + 1), other: client(maxAnswer), secret: o.Secret}
}

// install is an option of the SDK's configuration.
func (s *sender) install(o *config.LoadOptions) error {
	o.APIOptions = append(o.APIOptions, awssend.Sender{Client: s.client, Before: s.tell, After: measured}.Install)
	return nil
}

// client sends the requests of an operation.
func (s *sender) client(operation string) *http.Client {
	if operation == "GetObject" {
		return s.record
	}
	return s.other
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
