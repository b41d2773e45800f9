// Package s3test is a stand-in for S3 with one bucket, as strict as S3 about
// conditional writes. It serves in process or as an http.Handler.
package s3test

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

// What the stand-in wants of its clients.
const (
	Bucket      = "acme-state"
	AccessKeyID = "AKIDTEST"
)

// Server is S3 for one bucket, with its rules about conditional writes. Create
// one with [New].
type Server struct {
	Fault func(r *http.Request) (status int, code string) // asked first; status 0 goes on, -1 refuses the connection
	Lose  func(r *http.Request) bool                      // takes effect, but the answer is lost
	Page  int                                             // objects in one answer of a list
	Blind bool                                            // deletes whatever is there, as MinIO does

	// What the bucket holds, and what it was asked for. Tests read them while no
	// request is under way.
	Objects  map[string]string
	Requests []string

	mu     sync.Mutex
	writes int
}

// New returns an empty bucket.
func New() *Server { return &Server{Objects: map[string]string{}, Page: 1000} }

// RoundTrip serves in process.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r = r.Clone(r.Context()); r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.mu.Lock()
	s.Requests = append(s.Requests, r.Method+" "+r.URL.Path)
	s.mu.Unlock()
	if s.Fault != nil {
		switch status, code := s.Fault(r); {
		case status < 0:
			return nil, errors.New("connection refused")
		case status > 0:
			refuse(w, status, code)
			return w.Result(), nil
		}
	}
	s.serve(w, r)
	if s.Lose != nil && s.Lose(r) {
		return nil, io.ErrUnexpectedEOF
	}
	return w.Result(), nil
}

// ServeHTTP serves on a listener. Where there is no answer, the connection ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.RoundTrip(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // a client that is gone wants no answer
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

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+AccessKeyID+"/") {
		refuse(w, 403, "AccessDenied")
		return
	}
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case name != Bucket:
		refuse(w, 404, "NoSuchBucket")
	case key == "" && r.URL.Query().Get("list-type") == "2":
		s.list(w, r)
	case r.Method == http.MethodGet:
		s.get(w, key)
	case r.Method == http.MethodPut:
		s.put(w, r, key)
	case r.Method == http.MethodDelete:
		s.remove(w, r, key)
	default:
		refuse(w, 405, "MethodNotAllowed")
	}
}

func etag(text string) string {
	sum := md5.Sum([]byte(text))
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (s *Server) get(w http.ResponseWriter, key string) {
	text, ok := s.Objects[key]
	if !ok {
		refuse(w, 404, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", etag(text))
	fmt.Fprint(w, text)
}

// put demands a condition: a store that forgets it once would lose updates.
func (s *Server) put(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "" {
		refuse(w, 400, "IncompleteBody")
		return
	}
	now, exists := s.Objects[key]
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case (match == "") == (none == "") || none != "" && none != "*":
		refuse(w, 501, "NotImplemented")
	case match != "" && !exists:
		refuse(w, 404, "NoSuchKey")
	case match != "" && match != etag(now), none != "" && exists:
		refuse(w, 412, "PreconditionFailed")
	default:
		s.Objects[key] = string(body)
		s.writes++
		w.Header().Set("ETag", etag(string(body)))
	}
}

// remove demands a condition too: what was written meanwhile is not deleted.
func (s *Server) remove(w http.ResponseWriter, r *http.Request, key string) {
	now, exists := s.Objects[key]
	switch match := r.Header.Get("If-Match"); {
	case match == "":
		refuse(w, 501, "NotImplemented")
	case s.Blind:
		delete(s.Objects, key)
		w.WriteHeader(http.StatusNoContent)
	case !exists:
		refuse(w, 404, "NoSuchKey")
	case match != etag(now):
		refuse(w, 412, "PreconditionFailed")
	default:
		delete(s.Objects, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	type object struct{ Key string }
	answer := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name                  string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []object
	}{Name: Bucket}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(s.Objects)) {
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) {
			keys = append(keys, key)
		}
	}
	from, err := strconv.Atoi(r.URL.Query().Get("continuation-token"))
	if err != nil {
		from = 0
	}
	to := min(from+s.Page, len(keys))
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

// Writes counts the objects that were written.
func (s *Server) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Edit changes an object behind everybody's back.
func (s *Server) Edit(key string, edit func([]byte) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Objects[key] = string(edit([]byte(s.Objects[key])))
}
