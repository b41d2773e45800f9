package cloudwatch

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sluice/internal/sandbox/kit"

	"github.com/aws/smithy-go/encoding/cbor"
)

// docs/metrics.md: "`POST /service/GraniteServiceVersion20100801/operation/GetMetricData`, `Smithy-Protocol: rpc-v2-cbor`"
const (
	cborPrefix = "/service/GraniteServiceVersion20100801/operation/"
	jsonTarget = "GraniteServiceVersion20100801."
	mostBody   = 1 << 20
)

// moment is a timestamp, which the two protocols write differently.
type moment time.Time

// protocol is how one request came, and how its answer goes.
type protocol struct{ cbor bool }

// read is the operation that a request names and its input.
func read(r *http.Request) (p protocol, operation string, input map[string]any, err error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBody))
	if err != nil {
		return p, "", nil, err
	}
	if name, ok := strings.CutPrefix(r.URL.Path, cborPrefix); ok && r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		v, err := cbor.Decode(body)
		if err != nil {
			return protocol{cbor: true}, name, nil, err
		}
		input, ok := plain(v).(map[string]any)
		if !ok {
			return protocol{cbor: true}, name, nil, fmt.Errorf("the input is no map")
		}
		return protocol{cbor: true}, name, input, nil
	}
	// docs/metrics.md: "aws CLI (botocore 1.43) sends JSON 1.0"
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), jsonTarget)
	if !ok {
		return p, "", nil, fmt.Errorf("neither rpc-v2-cbor nor JSON 1.0")
	}
	err = json.Unmarshal(body, &input)
	return p, name, input, err
}

// plain is a CBOR value as encoding/json would have it.
func plain(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		m := map[string]any{}
		for key, value := range v {
			m[key] = plain(value)
		}
		return m
	case cbor.List:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case cbor.String:
		return string(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return float64(v)
	case cbor.NegInt:
		return -float64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.Float64:
		return float64(v)
	case *cbor.Tag:
		return plain(v.Value)
	default:
		return nil
	}
}

// value is an answer's value on the wire of rpc-v2-cbor.
func value(v any) cbor.Value {
	switch v := v.(type) {
	case map[string]any:
		m := cbor.Map{}
		for key, one := range v {
			m[key] = value(one)
		}
		return m
	case []any:
		list := make(cbor.List, len(v))
		for i := range v {
			list[i] = value(v[i])
		}
		return list
	case moment:
		// docs/metrics.md: "timestamps tag 1"
		return &cbor.Tag{ID: 1, Value: cbor.Float64(float64(time.Time(v).UnixMilli()) / 1e3)}
	case string:
		return cbor.String(v)
	case float64:
		return cbor.Float64(v)
	case bool:
		return cbor.Bool(v)
	default:
		return &cbor.Nil{}
	}
}

// MarshalJSON writes seconds.
func (m moment) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(m).UnixMilli()) / 1e3)
}

// answer writes an answer as the request's protocol has it.
func (p protocol) answer(w http.ResponseWriter, status int, body map[string]any) {
	if p.cbor {
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.WriteHeader(status)
		w.Write(cbor.Encode(value(body))) //nolint:errcheck // a client that went away is its own affair
		return
	}
	kit.WriteJSON(w, status, "application/x-amz-json-1.0", body)
}

// refuse answers an error.
//
// docs/metrics.md: "body `__type`, header `x-amzn-query-error: Throttling;Sender`"
func (p protocol) refuse(w http.ResponseWriter, status int, shape, code, text string) {
	fault := "Sender"
	if status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	w.Header().Set("x-amzn-query-error", code+";"+fault)
	p.answer(w, status, map[string]any{"__type": "com.amazonaws.cloudwatch#" + shape, "message": text})
}

// throttle refuses as for too many requests.
//
// docs/metrics.md: "Throttling is **400**"
func (p protocol) throttle(w http.ResponseWriter) {
	p.refuse(w, http.StatusBadRequest, "ThrottlingException", "Throttling", "Rate exceeded")
}
