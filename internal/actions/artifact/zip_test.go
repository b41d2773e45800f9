package artifact_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"io/fs"
	"strings"
	"testing"

	"sluice/internal/actions/artifact"
)

var limits = artifact.Limits{Entries: 3, Size: 1 << 20, Ratio: 100}

type entry struct {
	name string
	data []byte
	mode fs.FileMode
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		header.SetMode(e.mode)
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPackAndUnpack(t *testing.T) {
	noise := make([]byte, 500_000)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"empty": {}, "text": []byte(`{"a":1}`), "noise": noise, "zeroes": make([]byte, 1<<20)} {
		packed, err := artifact.Pack("record.json", data, limits)
		if err != nil {
			t.Fatal(err)
		}
		files, err := artifact.Unpack(packed, limits)
		if err != nil || len(files) != 1 || !bytes.Equal(files["record.json"], data) {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
	}
}

func TestUnpackRefuses(t *testing.T) {
	small := []byte("x")
	random := make([]byte, 700_000)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		zip  []byte
		want string
	}{
		"not a zip":        {[]byte("hello"), "not a zip file"},
		"nothing":          {nil, "not a zip file"},
		"cut short":        {zipOf(t, entry{"a", random, 0o600})[:300_000], "not a zip file"},
		"parent":           {zipOf(t, entry{"../a", small, 0o600}), "not a plain file inside"},
		"parent later":     {zipOf(t, entry{"a/../../b", small, 0o600}), "not a plain file inside"},
		"absolute":         {zipOf(t, entry{"/etc/passwd", small, 0o600}), "not a plain file inside"},
		"backslash":        {zipOf(t, entry{`..\a`, small, 0o600}), "not a plain file inside"},
		"drive":            {zipOf(t, entry{`C:a`, small, 0o600}), "not a plain file inside"},
		"link":             {zipOf(t, entry{"a", small, fs.ModeSymlink | 0o777}), "not a plain file inside"},
		"folder":           {zipOf(t, entry{"a/", nil, fs.ModeDir | 0o700}), "not a plain file inside"},
		"twice":            {zipOf(t, entry{"a", small, 0o600}, entry{"a", small, 0o600}), "two entries"},
		"too many":         {zipOf(t, entry{"a", small, 0}, entry{"b", small, 0}, entry{"c", small, 0}, entry{"d", small, 0}), "4 entries"},
		"bomb":             {zipOf(t, entry{"a", make([]byte, 4<<20), 0o600}), "unpacks to more"},
		"too large":        {zipOf(t, entry{"a", random, 0o600}, entry{"b", random, 0o600}), "unpacks to more"},
		"damaged contents": {flip(zipOf(t, entry{"a", random, 0o600})), "entry \"a\""},
	} {
		if _, err := artifact.Unpack(c.zip, limits); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func flip(zip []byte) []byte {
	zip[len(zip)/2] ^= 1
	return zip
}

func FuzzUnpack(f *testing.F) {
	packed, err := artifact.Pack("a", []byte("text"), limits)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		files, err := artifact.Unpack(packed, limits)
		if err != nil {
			return
		}
		total := 0
		for name, data := range files {
			total += len(data)
			if strings.HasPrefix(name, "/") || strings.Contains(name, "\\") || !fs.ValidPath(strings.TrimPrefix(name, "./")) && strings.Contains(name, "..") {
				t.Errorf("accepted the name %q", name)
			}
		}
		if total > 1<<20 || len(files) > limits.Entries {
			t.Errorf("accepted %d files of %d bytes", len(files), total)
		}
	})
}
