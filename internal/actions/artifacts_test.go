package actions_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"sluice/internal/actions"
)

// listing serves artifacts total…1 in pages; shrink says by how many the list
// is shorter at the n-th request.
func listing(total int, shrink func(n int) int) inProcess {
	return func(n int, w http.ResponseWriter, r *http.Request) {
		page, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil || r.URL.Query().Get("per_page") != "100" {
			w.WriteHeader(400)
			return
		}
		left := total - shrink(n)
		var items []string
		for id := left - (page-1)*100; id > max(left-page*100, 0); id-- {
			items = append(items, fmt.Sprintf(`{"id":%d,"name":"a","workflow_run":null}`, id))
		}
		fmt.Fprintf(w, `{"total_count":%d,"artifacts":[%s]}`, left, strings.Join(items, ","))
	}
}

func TestArtifactsOfARunArePaged(t *testing.T) {
	steady := func(int) int { return 0 }
	for total, requests := range map[int]int{0: 1, 1: 1, 100: 1, 101: 2, 250: 3} {
		c, transport := client(t, listing(total, steady))
		list, err := c.ArtifactsOf(t.Context(), 7)
		if err != nil || len(list) != total || int(transport.calls.Load()) != requests {
			t.Errorf("%d artifacts: %d listed with %d requests, %v", total, len(list), transport.calls.Load(), err)
		}
	}
	c, _ := client(t, listing(2001, steady))
	if _, err := c.ArtifactsOf(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "more than 2000 artifacts") {
		t.Errorf("too many: %v", err)
	}
	c, _ = client(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) })
	if list, err := c.ArtifactsOf(t.Context(), 7); err != nil || len(list) != 0 {
		t.Errorf("a run that was deleted: %v, %v", list, err)
	}
}

// TestArtifactsOfAName: one request, and more only as long as they are wanted.
func TestArtifactsOfAName(t *testing.T) {
	for pages, requests := range map[int]int{1: 1, 2: 2, 9: 3} {
		c, transport := client(t, listing(250, func(int) int { return 0 }))
		seen := 0
		err := c.ArtifactsNamed(t.Context(), "a", func(page []actions.RepositoryArtifact) (bool, error) {
			seen++
			return seen < pages, nil
		})
		if err != nil || int(transport.calls.Load()) != requests {
			t.Errorf("%d pages wanted: %d requests, %v", pages, transport.calls.Load(), err)
		}
	}
	c, _ := client(t, listing(1, func(int) int { return 0 }))
	none := func([]actions.RepositoryArtifact) (bool, error) { return false, nil }
	if err := c.ArtifactsNamed(t.Context(), "b", none); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("artifacts of another name: %v", err)
	}
}

func TestAnswersThatAreNoList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []string{
			"{}", "[]", "null", "<html>", "", `{"total_count":0}`, `{"total_count":0,"artifacts":null}`, `{"artifacts":[]}`,
			`{"total_count":1,"artifacts":[]}`, `{"total_count":1,"artifacts":[{"name":"x"}]}`, `{"total_count":1,"artifacts":[{"id":1}]}`,
			`{"total_count":2,"artifacts":[{"id":1,"name":"x"},{"id":1,"name":"x"}]}`,
		} {
			c, transport := client(t, func(_ int, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
			if list, err := c.ArtifactsOf(t.Context(), 7); err == nil || transport.calls.Load() != 3 {
				t.Errorf("%q is read as the list %v, %v, after %d requests", body, list, err, transport.calls.Load())
			}
			if repository, err := c.Repository(t.Context()); err == nil {
				t.Errorf("%q is read as the repository %+v", body, repository)
			}
		}
	})
}

func TestArtifactsDeletedWhileListing(t *testing.T) {
	c, transport := client(t, listing(250, func(n int) int { return min(n, 2) }))
	list, err := c.ArtifactsOf(t.Context(), 7)
	if err != nil || len(list) != 248 || transport.calls.Load() != 5 {
		t.Errorf("%d listed with %d requests, %v; want the list read again from its start", len(list), transport.calls.Load(), err)
	}
	c, _ = client(t, listing(250, func(n int) int { return n }))
	if _, err := c.ArtifactsOf(t.Context(), 7); !errors.Is(err, actions.ErrMoving) {
		t.Errorf("a list that shrinks for ever: %v", err)
	}
}

func TestArtifactURL(t *testing.T) {
	answer := func(status int) (string, error) {
		c, _ := client(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/repos/octocat/shop/actions/artifacts/9/zip" {
				t.Errorf("path %s", r.URL.Path)
			}
			w.Header().Set("Location", "https://blobs.example.com/9?sig=x")
			w.WriteHeader(status)
		})
		return c.ArtifactURL(t.Context(), 9)
	}
	if url, err := answer(302); err != nil || url != "https://blobs.example.com/9?sig=x" {
		t.Errorf("%q, %v", url, err)
	}
	if _, err := answer(410); !errors.Is(err, actions.ErrExpired) {
		t.Errorf("gone: %v", err)
	}
	if _, err := answer(404); actions.Status(err) != 404 {
		t.Errorf("not found: %v", err)
	}
}
