package store

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzIndented: what is compact JSON is laid out as the standard library does it.
func FuzzIndented(f *testing.F) {
	for _, text := range []string{
		`{}`, `[]`, `0`, `"a"`, `{"a":[]}`, `[{},{"b":{}},[1,-2.5e7,true,null]]`, `{"a":"{\"b\":[1,2]}\\","\u00e9,:":"é"}`, `[[[["\\\""]]]]`, "{}\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var compact, want bytes.Buffer
		if json.Compact(&compact, text) != nil {
			return
		}
		if err := json.Indent(&want, compact.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		if got := indented(compact.Bytes()); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s\nis laid out as\n%s\nwant\n%s", compact.Bytes(), got, want.Bytes())
		}
	})
}
