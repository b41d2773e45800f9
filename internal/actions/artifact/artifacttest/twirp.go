package artifacttest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ask is the union of the service's requests.
type ask struct {
	Run     string `json:"workflow_run_backend_id"`
	Job     string `json:"workflow_job_run_backend_id"`
	Name    string `json:"name"`
	Version int    `json:"version"`
	Size    string `json:"size"`
	Hash    string `json:"hash"`
	Filter  string `json:"name_filter"`
}

// twirp serves the five methods. act refuses an unknown field, GitHub passes over it.
func (s *Server) twirp(w http.ResponseWriter, r *http.Request) {
	method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	var q ask
	decoder := json.NewDecoder(r.Body)
	if s.Act {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(&q); err != nil {
		refuse(w, 500, "internal", "error decoding request body")
		return
	}
	run, ok := s.authorise(r, q)
	if !ok {
		refuse(w, 401, "unauthenticated", "invalid token for "+q.Run)
		return
	}
	switch method {
	case "CreateArtifact":
		s.create(w, q, run)
	case "FinalizeArtifact":
		s.finalize(w, q)
	case "ListArtifacts":
		s.list(w, q)
	case "GetSignedArtifactURL":
		s.sign(w, q)
	case "DeleteArtifact":
		s.remove(w, q)
	default:
		refuse(w, 404, "bad_route", "no handler for "+method)
	}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	reply(w, status, map[string]string{"code": code, "msg": message})
}

// authorise checks that the token is of the run that the request names.
func (s *Server) authorise(r *http.Request, q ask) (Run, bool) {
	id, err := strconv.ParseInt(q.Run, 10, 64)
	run, known := s.runs[id]
	if err != nil || !known || q.Job == "" {
		return Run{}, false
	}
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return Run{}, false
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	return run, err == nil && strings.Contains(string(claims), fmt.Sprintf(" Actions.Results:%d:", id))
}

// perJob is how many artifacts a job may create (github.com/actions/upload-artifact,
// README, limitations).
const perJob = 500

// attempt is that of a job's id, "promote-2". GitHub keeps the artifacts of each
// apart (inferred from go-gitea#38857); act does not.
func (s *Server) attempt(job string) string {
	if s.Act {
		return ""
	}
	return job[strings.LastIndexByte(job, '-')+1:]
}

// of reports whether an artifact is among those that a request may see.
func (s *Server) of(a *Artifact, q ask) bool {
	return strconv.FormatInt(a.Run.ID, 10) == q.Run && s.attempt(a.Job) == s.attempt(q.Job)
}

// find returns the newest artifact of a name in a run's attempt that is not deleted.
func (s *Server) find(q ask) *Artifact {
	for i := len(s.artifacts) - 1; i >= 0; i-- {
		a := s.artifacts[i]
		if a.Name == q.Name && s.of(a, q) && !a.Deleted {
			return a
		}
	}
	return nil
}

// create refuses a name that is in use, also by an upload that was never finished;
// and more than a job may have.
func (s *Server) create(w http.ResponseWriter, q ask, run Run) {
	if q.Version < 4 || q.Name == "" || strings.ContainsAny(q.Name, "\"/:<>|*?\\\r\n") || len(q.Name) > 255 {
		refuse(w, 400, "invalid_argument", "the request is not valid")
		return
	}
	created := 0
	for _, a := range s.artifacts {
		if a.Run.ID != run.ID || s.Act {
			continue
		}
		if a.Name == q.Name && s.of(a, q) && !a.Deleted {
			refuse(w, 409, "already_exists", "an artifact with this name already exists on the workflow run")
			return
		}
		if a.Job == q.Job {
			created++
		}
	}
	if created >= perJob {
		refuse(w, 403, "permission_denied", "a job may create 500 artifacts")
		return
	}
	s.writes++
	a := s.add(q.Name, run, q.Job)
	s.answer(w, map[string]any{"ok": true, "signed_upload_url": s.signed(a)})
}

func (s *Server) signed(a *Artifact) string {
	return fmt.Sprintf("%s/blobs/%d?sig=a%%2Fb%%3D&se=2030-01-01T00%%3A00%%3A00Z", s.host("blobs"), a.ID)
}

func (s *Server) finalize(w http.ResponseWriter, q ask) {
	a := s.find(q)
	switch {
	case a == nil:
		refuse(w, 404, "not_found", "artifact not found")
	case s.Act:
		s.finish(w, a)
	case a.Finalised || a.Zip == nil:
		refuse(w, 400, "failed_precondition", "the upload is not open or has no content")
	case q.Size != strconv.Itoa(len(a.Zip)) || q.Hash != sum(a.Zip):
		refuse(w, 400, "invalid_argument", "size or hash do not match what was uploaded")
	default:
		s.finish(w, a)
	}
}

func (s *Server) finish(w http.ResponseWriter, a *Artifact) {
	s.writes++
	a.Finalised = true
	if !s.Act {
		a.Digest = sum(a.Zip)
	}
	s.answer(w, map[string]any{"ok": true, "artifact_id": strconv.FormatInt(a.ID, 10)})
}

// list answers with what is finalised. act lists whatever was created, and
// hangs up where the run has nothing.
func (s *Server) list(w http.ResponseWriter, q ask) {
	found, used := []map[string]any{}, false
	for _, a := range s.artifacts {
		if !s.of(a, q) {
			continue
		}
		used = true
		if a.Deleted || !a.Finalised && !s.Act || q.Filter != "" && a.Name != q.Filter {
			continue
		}
		found = append(found, s.describe(a))
	}
	if s.Act && !used {
		panic(http.ErrAbortHandler)
	}
	s.answer(w, map[string]any{"artifacts": found})
}

func (s *Server) describe(a *Artifact) map[string]any {
	item := map[string]any{
		"workflow_run_backend_id": strconv.FormatInt(a.Run.ID, 10), "workflow_job_run_backend_id": a.Job,
		"database_id": strconv.FormatInt(a.ID, 10), "name": a.Name,
		"size": strconv.Itoa(len(a.Zip)), "created_at": a.Created.UTC().Format(time.RFC3339Nano),
	}
	if s.Act {
		item["size"], item["database_id"] = 4096, a.ID
		return camel(item)
	}
	item["digest"] = a.Digest
	return item
}

func (s *Server) sign(w http.ResponseWriter, q ask) {
	a := s.find(q)
	if a == nil || !a.Finalised && !s.Act || !s.Act && a.Job != q.Job {
		refuse(w, 404, "not_found", "artifact not found")
		return
	}
	s.answer(w, map[string]any{"signed_url": s.signed(a)})
}

func (s *Server) remove(w http.ResponseWriter, q ask) {
	a := s.find(q)
	if a == nil || !a.Finalised && !s.Act || !s.Act && a.Job != q.Job { // the toolkit names the job that uploaded it
		refuse(w, 404, "not_found", "artifact not found")
		return
	}
	s.writes++
	a.Deleted = true
	s.answer(w, map[string]any{"ok": true, "artifact_id": strconv.FormatInt(a.ID, 10)})
}

// answer replies in GitHub's spelling or act's.
func (s *Server) answer(w http.ResponseWriter, body map[string]any) {
	if s.Act {
		body = camel(body)
	}
	reply(w, 200, body)
}

func camel(body map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range body {
		words := strings.Split(name, "_")
		for i, word := range words[1:] {
			words[i+1] = strings.ToUpper(word[:1]) + word[1:]
		}
		out[strings.Join(words, "")] = value
	}
	return out
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(digest[:])
}
