package rollout

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Redact is an encoded entry whose text went through clean, which takes
// credentials out of text and leaves other text as it is. What an entry is found,
// compared or carried on by stays as it is: names, ids, and what a rollback puts
// back (stage variables among it). Object names are never changed. An entry with
// nothing to take out is returned as it came; any other is compact, as stores
// give entries back.
func Redact(data []byte, clean func(string) string) ([]byte, error) {
	if text := string(data); clean(text) == text {
		return data, nil
	}
	var out bytes.Buffer
	r := redaction{
		in: jsontext.NewDecoder(bytes.NewReader(data)), out: jsontext.NewEncoder(&out), clean: clean,
	}
	if err := r.value(""); err != nil {
		return nil, fmt.Errorf("take credentials out of an entry: %w", err)
	}
	if _, err := r.in.ReadToken(); err != io.EOF { //nolint:errorlint // the decoder returns it as it is
		return nil, fmt.Errorf("take credentials out of an entry: there is more than one value")
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// redaction is one pass over an entry.
type redaction struct {
	in    *jsontext.Decoder
	out   *jsontext.Encoder
	clean func(string) string
}

// value copies the next value, which is a member of that name.
func (r *redaction) value(name string) error {
	switch r.in.PeekKind() {
	case '{':
		return r.object(name)
	case '[':
		return r.array(name)
	case '"':
		return r.text(name)
	default:
		return r.whole()
	}
}

// text copies a string, which is a member of that name.
func (r *redaction) text(name string) error {
	if slices.Contains(identifying(), name) {
		return r.whole()
	}
	token, err := r.in.ReadToken()
	if err != nil {
		return err
	}
	return r.out.WriteToken(jsontext.String(r.clean(token.String())))
}

// whole copies the next value as it is.
func (r *redaction) whole() error {
	value, err := r.in.ReadValue()
	if err != nil {
		return err
	}
	return r.out.WriteValue(value)
}

func (r *redaction) object(parent string) error {
	if err := r.token(); err != nil {
		return err
	}
	for r.in.PeekKind() == '"' {
		name, err := r.in.ReadToken()
		if err != nil {
			return err
		}
		member := name.String()
		if err := r.out.WriteToken(jsontext.String(member)); err != nil {
			return err
		}
		if err := r.member(parent, member); err != nil {
			return err
		}
	}
	return r.token()
}

// resultOf stands for the name of a target among results, which means nothing else.
const resultOf = "result of a target"

// member copies the value of an object's member.
func (r *redaction) member(parent, name string) error {
	switch {
	case parent == "results":
		return r.value(resultOf)
	case parent == "labels", parent == "annotations": // their names are anybody's
		return r.value("")
	case parent == "info", parent == resultOf && name == "data": // only shown
		return r.value(name)
	case slices.Contains(needed(), name):
		return r.whole()
	default:
		return r.value(name)
	}
}

func (r *redaction) array(name string) error {
	if err := r.token(); err != nil {
		return err
	}
	for r.in.PeekKind() != ']' {
		if err := r.value(name); err != nil {
			return err
		}
	}
	return r.token()
}

// token copies a bracket.
func (r *redaction) token() error {
	token, err := r.in.ReadToken()
	if err != nil {
		return err
	}
	return r.out.WriteToken(token)
}

// identifying lists the members whose text tells one thing from another, or says how
// it stands: an entry that names something else is another entry.
func identifying() []string {
	return []string{
		"schema", "pipeline", "stage", "target", "targetId", "targets", "platform", "from", "members", "unchanged", "creator", "approvers",
		"id", "name", "uid", "key", "etag", "origin", "action", "release", "previous", "promotion", "rollout", "controllerRollout", "rollbackOfRollout",
		"rolledBackByRollouts", "platformName", "pipelineDigest", "phase", "job", "kind", "command", "effects", "jobRun", "operationType",
		"state", "status", "approvalState", "deployFailureCause", "cause", "outcome", "onFailure", "takeBack", "type", "percent",
		"run", "lease", "host", "boot", "pidNS", "pidStarted", "by", "began", "scope", "whom", "override", "overrides", "standing", "resume",
		"afterGoingBack", "yieldsTo", "backTo",
	}
}

// needed lists the members that the next effect, a comparison or a rollback needs
// whole.
func needed() []string {
	return []string{"before", "after", "found", "baseline", "expected", "variables", "config", "remote", "data", "gates"}
}
