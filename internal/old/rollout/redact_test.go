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

	"sluice/internal/old/rollout"
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

// TestRedact: a credential goes wherever a record may have one, but for what
// names things and what the next effect needs. A new field of a record is listed
// here only where it is one of those.
func TestRedact(t *testing.T) {
	var r rollout.Record
	fill(reflect.ValueOf(&r).Elem(), 0)
	data, err := rollout.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	out, err := rollout.Redact(data, clean)
	if err != nil {
		t.Fatal(err)
	}
	var whole any
	if err := json.Unmarshal(out, &whole); err != nil {
		t.Fatal(err)
	}
	cleaned := strings.Fields(`
		errorMessage message reason comment failureReason description skipMessage runURL actor user selfLink log metadata location code error
		labels annotations info proto overridePolicies kinds `)
	for _, path := range paths("", whole) {
		for _, name := range cleaned {
			if strings.HasSuffix(path, "."+name) || strings.Contains(path, "."+name+".") {
				t.Errorf("%s still has it", path)
			}
		}
	}
	if n, of := len(paths("", whole)), len(paths("", parse(t, data))); n >= of || n == 0 {
		t.Errorf("it stands in %d of %d places", n, of)
	}
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
	if _, err := rollout.Decode(out); err != nil {
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
