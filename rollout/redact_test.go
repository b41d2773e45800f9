package rollout_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/rollout"
)

const secret = `hunter2-"x`

func clean(text string) string {
	return strings.NewReplacer(secret, "***", strings.ReplaceAll(secret, `"`, `\"`), "***").Replace(text)
}

// fill sets every string, and every piece of JSON, of a value to say the secret.
func fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time, rollout.Duration:
		return
	case jsontext.Value, json.RawMessage:
		v.SetBytes([]byte(`{"said":"hunter2-\"x"}`))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("a " + secret + " z")
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Unknown" && v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, depth)
		v.SetMapIndex(reflect.ValueOf("data"), value)
	}
}

// paths lists where in a JSON value the secret stands, without indexes.
func paths(at string, v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		if strings.Contains(v, secret) {
			list = append(list, at)
		}
	case []any:
		for _, e := range v {
			list = append(list, paths(at, e)...)
		}
	case map[string]any:
		for name, e := range v {
			list = append(list, paths(at+"."+name, e)...)
		}
	}
	slices.Sort(list)
	return list
}

// cleaned are the members in which a credential may stand and must not stay.
func cleaned() []string {
	return strings.Fields(`
		message reason comment failureReason description skipMessage runURL actor user selfLink log metadata location code error
		labels annotations info proto overridePolicies kinds commit `)
}

// TestRedact: a credential goes wherever an entry may have one, but for what
// names things and what the next effect needs. A new field of an entry is listed
// in cleaned only where it is none of those.
func TestRedact(t *testing.T) {
	t.Run("record", redacts[rollout.Record])
	t.Run("promotion", redacts[rollout.Promotion])
	t.Run("run", redacts[rollout.Run])
	t.Run("history", redacts[rollout.History])
	t.Run("index", func(t *testing.T) {
		data, out := redactFilled[rollout.Index](t)
		if !bytes.Equal(compact(t, data), out) {
			t.Errorf("an index has nothing but names, and became\n%s", out)
		}
	})
}

func redacts[E rollout.Entry](t *testing.T) {
	data, out := redactFilled[E](t)
	whole := parse(t, out)
	for _, path := range paths("", whole) {
		for _, name := range cleaned() {
			if strings.HasSuffix(path, "."+name) || strings.Contains(path, "."+name+".") {
				t.Errorf("%s still has it", path)
			}
		}
	}
	if n, of := len(paths("", whole)), len(paths("", parse(t, data))); n >= of || n == 0 {
		t.Errorf("it stands in %d of %d places", n, of)
	}
}

// redactFilled redacts an entry that says the secret wherever it can.
func redactFilled[E rollout.Entry](t *testing.T) (data, out []byte) {
	t.Helper()
	var e E
	fill(reflect.ValueOf(&e).Elem(), 0)
	data, err := rollout.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	if out, err = rollout.Redact(data, clean); err != nil {
		t.Fatal(err)
	}
	return data, out
}

func compact(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func parse(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRedactKeepsTheRest: what has nothing to hide stays byte by byte; what has
// stays a record that says the same otherwise.
func TestRedactKeepsTheRest(t *testing.T) {
	r := rollout.Record{Schema: rollout.Schema, Pipeline: "shop", Target: secret, Generation: 9007199254740993}
	r.AddEvent(rollout.Event{Type: "job.failed", Message: "no use <&> é"})
	plain, err := rollout.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := rollout.Redact(plain, func(text string) string { return text }); err != nil || !bytes.Equal(out, plain) {
		t.Errorf("%v: changed to %s", err, out)
	}
	r.AddEvent(rollout.Event{Type: "job.failed", Message: "it said " + secret})
	told, err := rollout.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := rollout.Redact(told, clean)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rollout.Decode[rollout.Record](out); err != nil {
		t.Fatal(err)
	}
	r.Events[1].Message = "it said ***"
	indented, err := rollout.Encode(r)
	var want bytes.Buffer
	if err := errors.Join(err, json.Compact(&want, indented)); err != nil || !bytes.Equal(out, want.Bytes()) {
		t.Errorf("%v: written as\n%s, want\n%s", err, out, &want)
	}
}

func TestRedactRefusesWhatIsNoRecord(t *testing.T) {
	for _, text := range []string{`{"message":"` + secret, `{"message":`, `{} {}`, `[1,`, `{"a":1,}`} {
		shout := func(s string) string { return s + "!" }
		if out, err := rollout.Redact([]byte(text), shout); err == nil {
			t.Errorf("%q became %q", text, fmt.Sprint(string(out)))
		}
	}
}
