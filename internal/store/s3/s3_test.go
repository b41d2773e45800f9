package s3_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/store"
	"sluice/internal/store/s3"
	"sluice/internal/store/s3/s3test"
	"sluice/internal/store/storetest"
)

var web = store.Key{Pipeline: "storefront", Target: "web"}

const object = "teams/shop/storefront/web.json"

func environ(more map[string]string) func(string) string {
	env := map[string]string{
		"AWS_ACCESS_KEY_ID": s3test.AccessKeyID, "AWS_SECRET_ACCESS_KEY": "very-secret-key", "AWS_REGION": "eu-west-1",
		"AWS_ENDPOINT_URL": "https://s3.example.com",
	}
	maps.Copy(env, more)
	return func(name string) string { return env[name] }
}

func options(f *s3test.Server) s3.Options {
	return s3.Options{
		Location: "s3://" + s3test.Bucket + "/teams/shop", Getenv: environ(nil), Transport: f, By: "run 7", Backoff: time.Millisecond,
	}
}

func open(t *testing.T, o s3.Options) store.Store {
	t.Helper()
	s, err := s3.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		f := s3test.New()
		f.Page = 2
		breaking := func(status int, code string) func(*testing.T) func() {
			return func(*testing.T) func() {
				f.Fault = func(*http.Request) (int, string) { return status, code }
				return func() { f.Fault = nil }
			}
		}
		return storetest.Harness{
			Open:     func(t *testing.T) store.Store { return open(t, options(f)) },
			Writes:   f.Writes,
			Requests: func() int { return len(f.Requests) },
			Crowd: func(n int) {
				for i := range n {
					f.Objects[fmt.Sprintf("teams/other/storefront/t-%d.json", i)] = "{}"
				}
			},
			Corrupt: func(_ *testing.T, k store.Key, edit func([]byte) []byte) {
				f.Edit("teams/shop/"+k.Pipeline+"/"+k.Target+".json", edit)
			},
			Breaks: map[string]func(*testing.T) func(){
				"unauthorised": breaking(401, "InvalidAccessKeyId"), "forbidden": breaking(403, "AccessDenied"),
				"no bucket": breaking(404, "NoSuchBucket"), "a proxy's 404": breaking(404, "<html>"), "empty 404": breaking(404, ""),
				"server error": breaking(500, "InternalError"), "unavailable": breaking(503, "SlowDown"),
				"garbage": breaking(200, "<html></html>"), "wrong region": breaking(301, "PermanentRedirect"),
				"connection refused": breaking(-1, ""),
			},
		}
	})
}

func put(t *testing.T, s store.Store, data string) store.Entry {
	t.Helper()
	entries, err := s.Load(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	e := entries[0]
	e.Generation++
	e.Data = []byte(data)
	saved, err := s.Commit(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return saved[0]
}

func TestObjects(t *testing.T) {
	f := s3test.New()
	s := open(t, options(f))
	put(t, s, "{}")
	if _, ok := f.Objects[object]; !ok || len(f.Objects) != 1 {
		t.Errorf("objects %v", slices.Collect(maps.Keys(f.Objects)))
	}
	if got := s.Where()[0].Location; got != "s3://"+s3test.Bucket+"/"+object {
		t.Errorf("where is %s", got)
	}
	put(t, s, "{}")
	if want := []string{"GET /" + s3test.Bucket + "/" + object, "PUT /" + s3test.Bucket + "/" + object, "GET /" + s3test.Bucket + "/" + object, "PUT /" + s3test.Bucket + "/" + object}; !slices.Equal(f.Requests, want) {
		t.Errorf("requests %v, want %v", f.Requests, want)
	}
}

func TestConflictNamesTheWinner(t *testing.T) {
	f := s3test.New()
	mine := put(t, open(t, options(f)), "{}")
	o := options(f)
	o.By = "run 8"
	put(t, open(t, o), "{}")
	mine.Generation++
	_, err := open(t, options(f)).Commit(t.Context(), mine)
	if !store.IsConflict(err) || !strings.Contains(err.Error(), "run 8") {
		t.Errorf("error %v, want a conflict that names run 8", err)
	}
}

// TestLostAnswer: the SDK sends the write again, and its own success refuses
// it; that is no conflict.
func TestLostAnswer(t *testing.T) {
	f := s3test.New()
	for n := range 2 {
		before, lost := f.Writes(), false
		f.Lose = func(r *http.Request) bool {
			if lost || r.Method != http.MethodPut {
				return false
			}
			lost = true
			return true
		}
		saved := put(t, open(t, options(f)), fmt.Sprint(n))
		if !lost || f.Writes()-before != 1 {
			t.Errorf("lost %v, %d writes", lost, f.Writes()-before)
		}
		if entries, err := open(t, options(f)).Load(t.Context(), web); err != nil || entries[0].Version != saved.Version {
			t.Errorf("the record reads %+v, %v", entries, err)
		}
	}
}

// TestUndecided: 409 means that another write is under way. The object is
// looked at, and the write sent again if nobody was first.
func TestUndecided(t *testing.T) {
	f := s3test.New()
	put(t, open(t, options(f)), "{}")
	for times, want := range map[int]func(error) bool{
		2:  func(err error) bool { return err == nil },
		99: store.IsConflict,
	} {
		refused := 0
		f.Fault = func(r *http.Request) (int, string) {
			if r.Method == http.MethodPut && refused < times {
				refused++
				return 409, "ConditionalRequestConflict"
			}
			return 0, ""
		}
		s := open(t, options(f))
		entries, err := s.Load(t.Context(), web)
		if err != nil {
			t.Fatal(err)
		}
		entries[0].Generation++
		if _, err := s.Commit(t.Context(), entries[0]); !want(err) {
			t.Errorf("409 %d times: %v", times, err)
		}
	}
}

func TestDeletedMeanwhile(t *testing.T) {
	f := s3test.New()
	s := open(t, options(f))
	saved := put(t, s, "{}")
	delete(f.Objects, object)
	saved.Generation++
	if _, err := s.Commit(t.Context(), saved); !store.IsConflict(err) || len(f.Objects) != 0 {
		t.Errorf("error %v, %d objects", err, len(f.Objects))
	}
}

func TestRemedies(t *testing.T) {
	for want, c := range map[string]struct {
		status int
		code   string
	}{
		"s3:ListBucket on s3://acme-state/teams/shop": {403, "AccessDenied"},
		"create the bucket acme-state":                {404, "NoSuchBucket"},
		"set AWS_REGION to the bucket's region":       {301, "PermanentRedirect"},
		"run again later":                             {503, "SlowDown"},
		"the server did not answer as S3 does":        {404, "<html>"},
		"the network and the endpoint":                {-1, ""},
	} {
		f := s3test.New()
		f.Fault = func(*http.Request) (int, string) { return c.status, c.code }
		_, err := open(t, options(f)).Load(t.Context(), web)
		if !store.IsUnreadable(err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "very-secret") {
			t.Errorf("error %v, want unreadable with %q", err, want)
		}
	}
}

func TestNoRegion(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	o := options(s3test.New())
	o.Getenv = environ(map[string]string{"AWS_REGION": "", "AWS_ENDPOINT_URL": ""})
	if _, err := open(t, o).Load(t.Context(), web); !store.IsUnreadable(err) || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("error %v", err)
	}
	o.Endpoint = "http://127.0.0.1:9000"
	if _, err := open(t, o).Load(t.Context(), web); err != nil {
		t.Errorf("another server needs no region: %v", err)
	}
}

func TestLocations(t *testing.T) {
	for location, want := range map[string]string{
		"s3://acme-state":           "s3://acme-state/",
		"s3://acme-state/":          "s3://acme-state/",
		"s3://acme-state/a/b-1/":    "s3://acme-state/a/b-1",
		"s3://Acme":                 "",
		"s3://":                     "",
		"s3:///a":                   "",
		"s3://ab":                   "",
		"https://acme-state":        "",
		"s3://acme-state/a//b":      "",
		"s3://acme-state/../b":      "",
		"s3://acme-state/a/./b":     "",
		"s3://acme-state/a b":       "",
		"s3://acme-state/a\nb":      "",
		"s3://acme-state/?x":        "",
		"s3://user@acme-state/a":    "",
		"s3://acme-state.x.com:9/a": "",
	} {
		o := options(s3test.New())
		o.Location = location
		s, err := s3.Open(o)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "state.store")):
			t.Errorf("%q: error %v", location, err)
		case want != "" && err != nil:
			t.Errorf("%q: %v", location, err)
		case want != "" && s.Facts().Name != want:
			t.Errorf("%q is %q, want %q", location, s.Facts().Name, want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint string
		env      map[string]string
		want     string
	}{
		"clear text":     {"http://minio.example.com", nil, "state.endpoint: http://minio.example.com would send credentials unencrypted"},
		"its own":        {"", map[string]string{"AWS_ENDPOINT_URL_S3": "http://minio.example.com"}, "AWS_ENDPOINT_URL_S3"},
		"the general":    {"", map[string]string{"AWS_ENDPOINT_URL": "ftp://x"}, "AWS_ENDPOINT_URL"},
		"the file's one": {"https://minio.example.com", map[string]string{"AWS_ENDPOINT_URL": "ftp://x"}, ""},
	} {
		o := options(s3test.New())
		o.Endpoint, o.Getenv = c.endpoint, environ(c.env)
		_, err := s3.Open(o)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// TestServerThatDeletesBlindly: what somebody saved right after a removal is not
// deleted with it where the server does not look at a deletion's condition.
func TestServerThatDeletesBlindly(t *testing.T) {
	for _, blind := range []bool{true, false} {
		f := s3test.New()
		f.Blind = blind
		mine, theirs := open(t, options(f)), open(t, options(f))
		saved := put(t, mine, "{}")
		f.Fault = func(r *http.Request) (int, string) {
			if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, ".json") {
				f.Fault = nil
				put(t, theirs, `{"n":2}`)
			}
			return 0, ""
		}
		saved.Generation, saved.Data = saved.Generation+1, nil
		if _, err := mine.Commit(t.Context(), saved); err != nil {
			t.Fatal(err)
		}
		if f.Fault != nil { // nothing was deleted
			f.Fault = nil
			put(t, theirs, `{"n":2}`)
		}
		entries, err := open(t, options(f)).Load(t.Context(), web)
		if err != nil || string(entries[0].Data) != `{"n":2}` {
			t.Errorf("blind %v: what was saved after the removal reads %+v, %v", blind, entries, err)
		}
	}
}

// TestRemovedObjectsGo: where the server looks at conditions, nothing is left of what
// was removed; it is asked once.
func TestRemovedObjectsGo(t *testing.T) {
	for blind, left := range map[bool]int{false: 0, true: 1} {
		f := s3test.New()
		f.Blind = blind
		s := open(t, options(f))
		for range 2 {
			saved := put(t, s, "{}")
			saved.Generation, saved.Data = saved.Generation+1, nil
			if _, err := s.Commit(t.Context(), saved); err != nil {
				t.Fatal(err)
			}
		}
		asked := 0
		for _, r := range f.Requests {
			if r == "DELETE /"+s3test.Bucket+"/"+object+".never" {
				asked++
			}
		}
		if asked != 1 || len(f.Objects) != left {
			t.Errorf("blind %v: asked %d times, left %v", blind, asked, slices.Collect(maps.Keys(f.Objects)))
		}
	}
}
