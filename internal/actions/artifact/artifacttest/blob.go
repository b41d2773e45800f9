package artifacttest

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// blob serves the storage behind signed addresses: anonymous, so a request
// that carries credentials is refused, as by the real one.
func (s *Server) blob(w http.ResponseWriter, r *http.Request) {
	a := s.blobOf(r)
	if a == nil || r.URL.Query().Get("sig") != "a/b=" || r.Header.Get("Authorization") != "" {
		http.Error(w, "AuthenticationFailed", http.StatusForbidden)
		return
	}
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/zip")
		_, _ = w.Write(a.Zip)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPut || a.Finalised {
		http.Error(w, "the blob is immutable", http.StatusConflict)
		return
	}
	s.writes++
	w.WriteHeader(s.store(a, r, body))
}

func (s *Server) blobOf(r *http.Request) *Artifact {
	id, err := strconv.ParseInt(strings.TrimPrefix(r.URL.Path, "/blobs/"), 10, 64)
	if err != nil {
		return nil
	}
	for _, a := range s.artifacts {
		if a.ID == id && !a.Deleted {
			return a
		}
	}
	return nil
}

// store takes a block or assembles the blocks; a plain upload is answered with
// success and kept nowhere, as by act.
func (s *Server) store(a *Artifact, r *http.Request, body []byte) int {
	switch r.URL.Query().Get("comp") {
	case "block":
		id := r.URL.Query().Get("blockid")
		if _, err := base64.StdEncoding.DecodeString(id); err != nil || id == "" || len(body) == 0 || len(body) > 8<<20 {
			return http.StatusBadRequest
		}
		a.blocks[id] = body
		if s.Act {
			a.Zip = append(a.Zip, body...)
		}
		return http.StatusCreated
	case "blocklist":
		return s.assemble(a, body)
	}
	return http.StatusOK
}

func (s *Server) assemble(a *Artifact, body []byte) int {
	if s.Act {
		return http.StatusCreated
	}
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string `xml:"Latest"`
	}
	if err := xml.Unmarshal(body, &list); err != nil || len(list.Latest) == 0 {
		return http.StatusBadRequest
	}
	var zip bytes.Buffer
	for _, id := range list.Latest {
		block, ok := a.blocks[id]
		if !ok || len(id) != len(list.Latest[0]) {
			return http.StatusBadRequest
		}
		zip.Write(block)
	}
	a.Zip = zip.Bytes()
	return http.StatusCreated
}
