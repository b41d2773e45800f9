package store_test

import (
	"bytes"
	"fmt"
	"testing"

	"sluice/internal/store"
)

// aRecord is about as large and as deep as a target's record.
func aRecord() []byte {
	var steps []string
	for i := range 12 {
		steps = append(steps, fmt.Sprintf(`{"call":{"kind":"weight","key":"v2-to-web-0001/canary-%d","changes":[{"target":{"name":"web","config":{"a":"b \"c\" \\"}}}]},"empty":{},"none":[],"state":"done","n":%d.5}`, i, i))
	}
	return []byte(`{"schema":"sluice.state/v2","rollouts":[` + string(bytes.Join(split(steps), []byte(","))) + `],"events":[]}`)
}

func split(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

// BenchmarkEncode is what a save costs before it is written.
func BenchmarkEncode(b *testing.B) {
	e := store.Entry{Key: web, Generation: 7, Data: aRecord()}
	for b.Loop() {
		if _, _, err := store.Encode(e, "run 7"); err != nil {
			b.Fatal(err)
		}
	}
}
