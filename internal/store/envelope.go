package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Schema is the version of the envelope that records are stored in.
const Schema = "sluice.store/v1"

// envelope is what lies in a file, an object or an artifact: readable by
// people, and with a digest, so that truncation and edits are noticed. The
// digest is over the compact envelope with an empty digest, so it covers names
// and generation too, and reformatting is not corruption.
type envelope struct {
	Schema     string          `json:"schema"`
	Pipeline   string          `json:"pipeline"`
	Kind       string          `json:"kind,omitempty"` // none for a target's record
	Target     string          `json:"target"`
	Generation int64           `json:"generation"`
	SavedBy    string          `json:"savedBy,omitempty"`
	Save       string          `json:"save"` // random: no two saves have equal bytes, so a lost answer can be told from a lost race
	Digest     string          `json:"digest"`
	Record     json.RawMessage `json:"record"`
}

// Stored is an entry as it was found, with who saved it.
type Stored struct {
	Entry
	By     string // the run that saved it, "" where it did not say
	Digest string // of the envelope
}

// Encode puts an entry into its envelope. by names the run that saves; the
// digest identifies this save and no other. The text is UTF-8, because some
// stores take nothing else: invalid bytes in data are replaced.
func Encode(e Entry, by string) (text []byte, digest string, err error) {
	env := envelope{
		Schema: Schema, Pipeline: e.Key.Pipeline, Kind: e.Key.Kind, Target: e.Key.Target,
		Generation: e.Generation, SavedBy: strings.ToValidUTF8(by, "\ufffd"), Save: rand.Text(),
	}
	data := e.Data
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\ufffd"))
	}
	if env.Record, err = compact(data); err != nil {
		return nil, "", err
	}
	if env.Digest, err = env.sum(); err != nil {
		return nil, "", err
	}
	line, err := env.line()
	if err != nil {
		return nil, "", err
	}
	if text, err = indented(line); err != nil {
		return nil, "", err
	}
	if len(text) > MaxStored { // long, or deeply nested
		text = line
	}
	if len(text) > MaxStored { // invalid UTF-8, which is longer when it is replaced
		err = fmt.Errorf("%d bytes, more than the %d a record may have", len(text), MaxStored)
	}
	return text, env.Digest, err
}

// EncodeRemoval is the envelope of an entry that is removed, for stores that cannot
// remove what others may have changed: see [Stored.IsRemoval].
func EncodeRemoval(e Entry, by string) (text []byte, digest string, err error) {
	e.Data = []byte(removed)
	return Encode(e, by)
}

// removed is the record in the envelope of an entry that is removed. No entry that
// is kept looks so: they are objects.
const removed = `"sluice.store/removed"`

// IsRemoval reports whether an envelope stands for an entry that is removed.
func (s Stored) IsRemoval() bool { return string(s.Data) == removed }

// Decode opens an envelope that was stored for key. Data comes back as compact
// JSON. Version is left for the store to set. Any error means that the bytes
// are not what was saved.
func Decode(key Key, text []byte) (Stored, error) {
	env, err := open(text)
	if err != nil {
		return Stored{}, err
	}
	if found := (Key{Pipeline: env.Pipeline, Kind: env.Kind, Target: env.Target}); found != key {
		return Stored{}, fmt.Errorf("it holds the record of %s", found)
	}
	entry := Entry{Key: key, Generation: env.Generation, Data: env.Record}
	return Stored{Entry: entry, By: env.SavedBy, Digest: env.Digest}, nil
}

// open checks an envelope. Its record is compact.
func open(text []byte) (envelope, error) {
	var env envelope
	if len(bytes.TrimSpace(text)) == 0 {
		return env, errors.New("it is empty")
	}
	if err := json.Unmarshal(text, &env); err != nil {
		return env, fmt.Errorf("it is not a whole record: %w", err)
	}
	if env.Schema != Schema {
		if strings.HasPrefix(env.Schema, "sluice.store/") {
			return env, fmt.Errorf("it has schema %s, this version of sluice knows %s", env.Schema, Schema)
		}
		return env, fmt.Errorf("it has schema %q instead of %s", env.Schema, Schema)
	}
	if len(env.Record) == 0 || env.Generation < 1 {
		return env, errors.New("it lacks its record or its generation")
	}
	var err error
	if env.Record, err = compact(env.Record); err != nil {
		return env, err
	}
	want := env.Digest
	got, err := env.sum()
	if err != nil {
		return env, err
	}
	if got != want {
		return env, fmt.Errorf("its digest is %s, not %q as recorded: it was changed or damaged", got, want)
	}
	return env, nil
}

// sum is the digest of an envelope whose record is compact.
func (env envelope) sum() (string, error) {
	env.Digest = ""
	line, err := env.line()
	if err != nil {
		return "", err
	}
	return Sum(line), nil
}

// Sum is the digest of bytes as Sluice writes digests: "sha256:<hex>".
func Sum(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// line is the envelope in one line, with its record as it is, which is compact:
// the record is most of it, and is not gone through once more.
func (env envelope) line() ([]byte, error) {
	const last = "null}\n" // what a record of nil is written as, and the end
	record := env.Record
	env.Record = nil
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(env); err != nil {
		return nil, err
	}
	out.Truncate(out.Len() - len(last))
	out.Write(record)
	out.WriteString("}\n")
	return out.Bytes(), nil
}

// compact is JSON without white space. Its characters stay as they are: with "<" as
// an escape the data would not come back as it was given.
func compact(data []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(data))
	err := json.Compact(&out, data)
	return out.Bytes(), err
}

// indented is JSON as people read it.
func indented(compact []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(2 * len(compact))
	err := json.Indent(&out, compact, "", "  ")
	return out.Bytes(), err
}
