package kit

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an answer that refuses.
type Error struct {
	Status  int
	Name    string // the API's for what is wrong
	Message string
	Fields  map[string]string // what the answer says beside that
}

// Error implements error.
func (e *Error) Error() string { return e.Name + ": " + e.Message }

// Errorf is an [*Error] with a text as [fmt.Sprintf] makes it.
func Errorf(status int, name, format string, args ...any) error {
	return &Error{Status: status, Name: name, Message: fmt.Sprintf(format, args...)}
}

// ErrorOf is err as an answer: an internal failure, which an API has a name for, where it is
// none.
func ErrorOf(err error, internal string) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Name: internal, Message: err.Error()}
}
