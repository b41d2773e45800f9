package s3_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const bucket = "acme-state"

// fake is S3 for one bucket, with its rules about conditional writes.
type fake struct {
	fault func(r *http.Request) (status int, code string) // asked first; status 0 goes on, -1 refuses the connection
	lose  func(r *http.Request) bool                      // takes effect, but the answer is lost
	page  int                                             // objects in one answer of a list

	mu       sync.Mutex
	objects  map[string]string
	requests []string
	writes   int
}

func newFake() *fake { return &fake{objects: map[string]string{}, page: 1000} }

// RoundTrip serves in process.
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	f.mu.Unlock()
	if f.fault != nil {
		switch status, code := f.fault(r); {
		case status < 0:
			return nil, errors.New("connection refused")
		case status > 0:
			refuse(w, status, code)
			return w.Result(), nil
		}
	}
	f.serve(w, r)
	if f.lose != nil && f.lose(r) {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amz-Request-Id", "REQ1")
	w.WriteHeader(status)
	if strings.HasPrefix(code, "<") || code == "" {
		fmt.Fprint(w, code)
		return
	}
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>refused</Message><RequestId>REQ1</RequestId></Error>`, code)
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDTEST/") {
		refuse(w, 403, "AccessDenied")
		return
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case name != bucket:
		refuse(w, 404, "NoSuchBucket")
	case key == "" && r.URL.Query().Get("list-type") == "2":
		f.list(w, r)
	case r.Method == http.MethodGet:
		f.get(w, key)
	case r.Method == http.MethodPut:
		f.put(w, r, key)
	default:
		refuse(w, 405, "MethodNotAllowed")
	}
}

func etag(text string) string {
	sum := md5.Sum([]byte(text))
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (f *fake) get(w http.ResponseWriter, key string) {
	text, ok := f.objects[key]
	if !ok {
		refuse(w, 404, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", etag(text))
	fmt.Fprint(w, text)
}

// put demands a condition: a store that forgets it once would lose updates.
func (f *fake) put(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "" {
		refuse(w, 400, "IncompleteBody")
		return
	}
	now, exists := f.objects[key]
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case (match == "") == (none == "") || none != "" && none != "*":
		refuse(w, 501, "NotImplemented")
	case match != "" && !exists:
		refuse(w, 404, "NoSuchKey")
	case match != "" && match != etag(now), none != "" && exists:
		refuse(w, 412, "PreconditionFailed")
	default:
		f.objects[key] = string(body)
		f.writes++
		w.Header().Set("ETag", etag(string(body)))
	}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	type object struct{ Key string }
	answer := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name                  string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []object
	}{Name: bucket}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) {
			keys = append(keys, key)
		}
	}
	from, err := strconv.Atoi(r.URL.Query().Get("continuation-token"))
	if err != nil {
		from = 0
	}
	to := min(from+f.page, len(keys))
	for _, key := range keys[from:to] {
		answer.Contents = append(answer.Contents, object{key})
	}
	if to < len(keys) {
		answer.IsTruncated, answer.NextContinuationToken = true, strconv.Itoa(to)
	}
	text, err := xml.Marshal(answer)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(text)
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

func (f *fake) edit(key string, edit func([]byte) []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[key] = string(edit([]byte(f.objects[key])))
}
