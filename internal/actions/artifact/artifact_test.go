package artifact_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/actions/artifact"
	"sluice/internal/actions/artifact/artifacttest"
	"sluice/internal/work"
)

func open(t *testing.T, s *artifacttest.Server, run artifacttest.Run) *artifact.Client {
	t.Helper()
	c, err := artifact.Open(s.Getenv(run), s.Transport(), work.Clock{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// both runs a test against GitHub's behaviour and act's, with time faked.
func both(t *testing.T, test func(t *testing.T, s *artifacttest.Server)) {
	for _, act := range []bool{false, true} {
		t.Run(map[bool]string{false: "GitHub", true: "act"}[act], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := artifacttest.New()
				s.Act = act
				test(t, s)
			})
		})
	}
}

func TestLifeOfAnArtifact(t *testing.T) {
	both(t, func(t *testing.T, s *artifacttest.Server) {
		c := open(t, s, artifacttest.Run{ID: 7})
		if list, err := c.List(t.Context(), ""); err != nil || len(list) != 0 {
			t.Fatalf("a run without artifacts lists %v, %v", list, err)
		}
		zip := []byte("not really a zip")
		made, err := c.Upload(t.Context(), "state.1", zip)
		if err != nil || made.Name != "state.1" || made.ID == 0 {
			t.Fatalf("uploaded %+v, %v", made, err)
		}
		if _, err := c.Upload(t.Context(), "state.2", []byte("another")); err != nil {
			t.Fatal(err)
		}
		other := open(t, s, artifacttest.Run{ID: 7, Job: "another-job"})
		list, err := other.List(t.Context(), "state.1")
		if err != nil || len(list) != 1 || list[0].Name != "state.1" || list[0].ID != made.ID || list[0].Created.IsZero() {
			t.Fatalf("listed %+v, %v", list, err)
		}
		if got, err := other.Download(t.Context(), list[0], 1<<20); err != nil || !bytes.Equal(got, zip) {
			t.Fatalf("downloaded %q, %v", got, err)
		}
		if err := c.Delete(t.Context(), made); err != nil {
			t.Fatal(err)
		}
		if got := s.Live(); !slices.Equal(got, []string{"state.2"}) {
			t.Errorf("after the deletion %v live", got)
		}
		if list, err := open(t, s, artifacttest.Run{ID: 8}).List(t.Context(), ""); err != nil || len(list) != 0 {
			t.Errorf("another run lists %v, %v", list, err)
		}
	})
}

// TestNames: one artifact of a name at a time, each attempt of a run by itself; free
// again once it is deleted.
func TestNames(t *testing.T) {
	s := artifacttest.New()
	c := open(t, s, artifacttest.Run{ID: 7})
	made, err := c.Upload(t.Context(), "x", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, s, artifacttest.Run{ID: 7, Job: "other"}).Upload(t.Context(), "x", []byte("2")); !errors.Is(err, artifact.ErrExists) {
		t.Errorf("another job: error %v, want ErrExists", err)
	}
	if _, err := open(t, s, artifacttest.Run{ID: 7, Attempt: 2}).Upload(t.Context(), "x", []byte("2")); err != nil {
		t.Errorf("another attempt: %v", err)
	}
	if err := c.Delete(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Upload(t.Context(), "x", []byte("3")); err != nil {
		t.Errorf("after its deletion: %v", err)
	}
}

func TestLargeUploadsGoInBlocks(t *testing.T) {
	both(t, func(t *testing.T, s *artifacttest.Server) {
		c := open(t, s, artifacttest.Run{ID: 7})
		zip := bytes.Repeat([]byte("0123456789abcdef"), 17<<20/16)
		made, err := c.Upload(t.Context(), "x", zip)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"POST CreateArtifact", "PUT block", "PUT block", "PUT block", "PUT blocklist", "POST FinalizeArtifact"}
		if got := s.Requests(); !slices.Equal(got, want) {
			t.Errorf("requests %v, want %v", got, want)
		}
		if got, err := c.Download(t.Context(), made, 20<<20); err != nil || !bytes.Equal(got, zip) {
			t.Errorf("downloaded %d bytes, %v", len(got), err)
		}
		if _, err := c.Download(t.Context(), made, 1<<20); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
			t.Errorf("over the limit: %v", err)
		}
	})
}

func TestDamagedDownload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := artifacttest.New()
		c := open(t, s, artifacttest.Run{ID: 7})
		made, err := c.Upload(t.Context(), "x", []byte("1"))
		if err != nil {
			t.Fatal(err)
		}
		s.Edit("x", func(a *artifacttest.Artifact) { a.Zip = []byte("2") })
		if _, err := c.Download(t.Context(), made, 1<<20); err == nil || !strings.Contains(err.Error(), "has digest") {
			t.Errorf("error %v", err)
		}
	})
}

// TestSecretsAreTold: the token, without the white space around it, and the
// signatures of addresses, before anything is shown.
func TestSecretsAreTold(t *testing.T) {
	s := artifacttest.New()
	getenv := s.Getenv(artifacttest.Run{ID: 7})
	var told []string
	c, err := artifact.New(artifact.Config{
		ResultsURL: getenv("ACTIONS_RESULTS_URL"), Token: " " + getenv("ACTIONS_RUNTIME_TOKEN") + "\n", Transport: s.Transport(),
		Secret: func(value string) { told = append(told, value) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, []string{getenv("ACTIONS_RUNTIME_TOKEN")}) {
		t.Errorf("told %q", told)
	}
	const signature = "0123456789abcdef0123456789abcdef"
	s.Fault = func(r *http.Request) (int, string) {
		if artifacttest.Label(r) != "POST GetSignedArtifactURL" {
			return 403, ""
		}
		return 200, `{"signed_url":"https://blobs.artifacttest/x?sv=2025-01-01&sig=` + signature + `"}`
	}
	_, err = c.Download(t.Context(), artifact.Artifact{Name: "x", ID: 1}, 1)
	if err == nil || !slices.Contains(told, signature) || slices.Contains(told, "2025-01-01") {
		t.Errorf("told %q, %v", told, err)
	}
}

func TestEveryRequestIsRepeated(t *testing.T) {
	steps := []string{"POST CreateArtifact", "PUT block", "PUT blocklist", "POST FinalizeArtifact", "POST ListArtifacts", "POST GetSignedArtifactURL", "POST DeleteArtifact"}
	for _, step := range steps {
		for _, status := range []int{429, 500, 502, 503, 504} {
			t.Run(fmt.Sprint(step, " ", status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := artifacttest.New()
					failed := 0
					s.Fault = func(r *http.Request) (int, string) {
						if artifacttest.Label(r) != step || failed == 4 {
							return 0, ""
						}
						failed++
						return status, "try again"
					}
					started := time.Now()
					if err := everything(t.Context(), open(t, s, artifacttest.Run{ID: 7})); err != nil || failed != 4 {
						t.Errorf("after %d failures: %v", failed, err)
					}
					// 3 + 4.5 + 6.75 + 10.125 s, each ± half
					if waited := time.Since(started); waited < 12*time.Second || waited > 37*time.Second {
						t.Errorf("waited %s", waited)
					}
				})
			})
		}
	}
}

func everything(ctx context.Context, c *artifact.Client) error {
	made, err := c.Upload(ctx, "x", []byte("1"))
	if err != nil {
		return err
	}
	if _, err := c.List(ctx, ""); err != nil {
		return err
	}
	if _, err := c.Download(ctx, made, 10); err != nil {
		return err
	}
	return c.Delete(ctx, made)
}

func TestFinalAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status   int
		body     string
		want     error
		requests int
	}{
		"forbidden": {403, `{"msg":"no such scope"}`, nil, 1},
		"conflict":  {409, `{"msg":"already exists"}`, artifact.ErrExists, 1},
		"quota":     {429, `{"msg":"Failed: insufficient usage to create artifact"}`, artifact.ErrQuota, 1},
		"garbage":   {200, `<html>a proxy's page</html>`, nil, 5},
		"not ok":    {200, `{"ok":false}`, nil, 1},
		"down":      {503, "", nil, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := artifacttest.New()
				s.Fault = func(*http.Request) (int, string) { return c.status, c.body }
				_, err := open(t, s, artifacttest.Run{ID: 7}).Upload(t.Context(), "x", []byte("1"))
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				if n := len(s.Requests()); n != c.requests {
					t.Errorf("%d requests, want %d", n, c.requests)
				}
				if c.body != "" && c.status >= 400 && !strings.Contains(err.Error(), fmt.Sprint(c.status)) {
					t.Errorf("error %q does not name the status", err)
				}
			})
		})
	}
}

func TestLostAnswers(t *testing.T) {
	lose := func(step string) (*artifacttest.Server, func() int) {
		s, lost := artifacttest.New(), 0
		s.Lose = func(r *http.Request) bool {
			if artifacttest.Label(r) != step || lost == 1 {
				return false
			}
			lost++
			return true
		}
		return s, func() int { return lost }
	}
	for step, want := range map[string]error{
		"POST CreateArtifact": artifact.ErrExists, "PUT block": nil, "PUT blocklist": nil,
		"POST FinalizeArtifact": nil, "POST ListArtifacts": nil, "POST GetSignedArtifactURL": nil,
	} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, lost := lose(step)
				err := everything(t.Context(), open(t, s, artifacttest.Run{ID: 7}))
				if !errors.Is(err, want) || lost() != 1 {
					t.Errorf("%d lost: error %v, want %v", lost(), err, want)
				}
			})
		})
	}
}

func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := artifacttest.New()
		s.Fault = func(*http.Request) (int, string) { return 503, "" }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := open(t, s, artifacttest.Run{ID: 7}).Upload(ctx, "x", []byte("1"))
		if !errors.Is(err, context.DeadlineExceeded) || len(s.Requests()) != 1 {
			t.Errorf("%d requests, %v", len(s.Requests()), err)
		}
	})
}

func TestOverARealConnection(t *testing.T) {
	for _, act := range []bool{false, true} {
		s := artifacttest.New()
		s.Act = act
		s.Serve(t)
		c, err := artifact.Open(s.Getenv(artifacttest.Run{ID: 7}), nil, work.Clock{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if list, err := c.List(t.Context(), ""); err != nil || len(list) != 0 {
			t.Errorf("act %v: %v, %v", act, list, err)
		}
		if err := everything(t.Context(), c); err != nil {
			t.Errorf("act %v: %v", act, err)
		}
	}
}

func TestUnavailable(t *testing.T) {
	token := func(claims string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
	}
	good := token(`{"scp":"a Actions.Results:1:2 b"}`)
	for name, c := range map[string]struct {
		config artifact.Config
		want   string
	}{
		"no token":      {artifact.Config{ResultsURL: "https://r"}, "run steps do not"},
		"no url":        {artifact.Config{Token: good}, "run steps do not"},
		"not a token":   {artifact.Config{ResultsURL: "https://r", Token: "secret-token"}, "lacks the scope"},
		"not base64":    {artifact.Config{ResultsURL: "https://r", Token: "a.!!!.b"}, "lacks the scope"},
		"not JSON":      {artifact.Config{ResultsURL: "https://r", Token: token("{")}, "lacks the scope"},
		"no scope":      {artifact.Config{ResultsURL: "https://r", Token: token(`{"scp":"Actions.Results:1"}`)}, "lacks the scope"},
		"clear text":    {artifact.Config{ResultsURL: "http://results.example.com", Token: good}, "unencrypted"},
		"no host":       {artifact.Config{ResultsURL: "results", Token: good}, "not a URL"},
		"act, no host":  {artifact.Config{ResultsURL: "results", Token: good, Act: true}, "not a URL"},
		"extra in ids":  {artifact.Config{ResultsURL: "https://r", Token: token(`{"scp":"Actions.Results:1:2:3"}`)}, "lacks the scope"},
		"scp of a list": {artifact.Config{ResultsURL: "https://r", Token: token(`{"scp":["Actions.Results:1:2"]}`)}, "lacks the scope"},
	} {
		if _, err := artifact.New(c.config); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret-token") {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := artifact.New(artifact.Config{}); !errors.Is(err, artifact.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	c, err := artifact.New(artifact.Config{ResultsURL: "http://192.168.1.5:34567/", Token: good, Act: true})
	if err != nil || c.Run() != "1" {
		t.Errorf("act on the machine's own address: %v", err)
	}
}

func TestErrorsCarryNoSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := artifacttest.New()
		s.Lose = func(r *http.Request) bool { return r.Method == http.MethodPut }
		_, err := open(t, s, artifacttest.Run{ID: 7}).Upload(t.Context(), "x", []byte("1"))
		if err == nil || strings.Contains(err.Error(), "sig=") || !strings.Contains(err.Error(), "upload of a block") {
			t.Errorf("error %v", err)
		}
	})
}
