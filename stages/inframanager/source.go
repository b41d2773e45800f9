package inframanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// gitSource is a Git repository as a blueprint names it.
type gitSource struct {
	Repo      string `json:"repo,omitempty"`
	Directory string `json:"directory,omitempty"`
	Ref       string `json:"ref,omitempty"`
}

// source is where a blueprint comes from, one of both. As a release it is written
//
//	gs://BUCKET/OBJECT#GENERATION
//	git::REPOSITORY//DIRECTORY?ref=REF
//
// the first as Infrastructure Manager writes it, the second as Terraform names the
// source of a module. What is not there is left out.
type source struct {
	gcs string
	git *gitSource
}

// blueprint is a blueprint as the platform has it, read so that what is newer than
// this version stays in it.
type blueprint map[string]json.RawMessage

// source is the blueprint's; an error where it has none, or two.
func (b blueprint) source() (source, error) {
	var s source
	if err := text(b["gcsSource"], &s.gcs); err != nil {
		return s, fmt.Errorf("its gcsSource: %w", err)
	}
	if err := text(b["gitSource"], &s.git); err != nil {
		return s, fmt.Errorf("its gitSource: %w", err)
	}
	switch {
	case s.gcs == "" && (s.git == nil || s.git.Repo == ""):
		return s, errors.New("its blueprint has no source")
	case s.gcs != "" && s.git != nil:
		return s, errors.New("its blueprint has two sources")
	}
	return s, nil
}

// text reads a field that may be missing.
func text(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}

// with is the blueprint with another source; what it is given stays.
func (b blueprint) with(s source) (blueprint, error) {
	next := blueprint{}
	for name, value := range b {
		if name != "gcsSource" && name != "gitSource" {
			next[name] = value
		}
	}
	name, value := s.field()
	data, err := json.Marshal(value)
	next[name] = data
	return next, err
}

// field is the source as a blueprint's field.
func (s source) field() (name string, value any) {
	if s.git != nil {
		return "gitSource", s.git
	}
	return "gcsSource", s.gcs
}

// same reports whether two blueprints have the same source and are given the same.
func (b blueprint) same(other blueprint) bool { return b.canonical() == other.canonical() }

// canonical is equal for equal blueprints, however they are written.
func (b blueprint) canonical() string {
	plain := map[string]any{}
	for name, raw := range b {
		var v any
		if json.Unmarshal(raw, &v) == nil && !isEmpty(v) {
			plain[name] = v
		}
	}
	data, _ := json.Marshal(plain) //nolint:errchkjson // it was JSON
	return string(data)
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return len(v) == 0
	default:
		return false
	}
}

// String is the source as a release is written.
func (s source) String() string {
	if s.git == nil {
		return s.gcs
	}
	text := "git::" + s.git.Repo
	if s.git.Directory != "" {
		text += "//" + s.git.Directory
	}
	if s.git.Ref != "" {
		text += "?ref=" + url.QueryEscape(s.git.Ref)
	}
	return text
}

// object is an object of Cloud Storage, and its generation.
var object = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^gs://[^/#\s]+/[^#\pC]+(#[0-9]+)?$`) })

// parseSource reads a release; false where it is none.
func parseSource(release string) (source, bool) {
	if object().MatchString(release) {
		return source{gcs: release}, true
	}
	rest, isGit := strings.CutPrefix(release, "git::")
	rest, query, _ := strings.Cut(rest, "?")
	scheme, path, isURL := strings.Cut(rest, "://")
	if !isGit || !isURL || scheme == "" || path == "" || strings.ContainsAny(release, " \t\r\n") {
		return source{}, false
	}
	git := &gitSource{}
	path, git.Directory, _ = strings.Cut(path, "//")
	git.Repo = scheme + "://" + path
	values, err := url.ParseQuery(query)
	if err != nil {
		return source{}, false
	}
	git.Ref = values.Get("ref")
	s := source{git: git}
	return s, s.String() == release
}

var (
	commit = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`) })
	tag    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(refs/tags/.+|v?[0-9]+(\.[0-9]+)+([-+.].*)?)$`) })
	staged = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^gs://[^/]+_infra_manager_staging/im_source_staging/`)
	})
)

// loose says why a source may hold something else by now; "" where it is pinned.
// Whether a name is a branch's or a tag's only the repository knows: a version's is
// taken for a tag's.
func (s source) loose() string {
	switch {
	case s.git == nil && strings.Contains(s.gcs, "#"), s.git != nil && (commit().MatchString(s.git.Ref) || tag().MatchString(s.git.Ref)):
		return ""
	case s.git == nil:
		return "it names no generation of the object"
	case s.git.Ref == "":
		return "it names no ref of the repository"
	default:
		return fmt.Sprintf("its ref %q is no commit and no version's tag, so it may be a branch", s.git.Ref)
	}
}

// staged reports whether gcloud put the source there itself: it deletes what it
// does not need any more.
func (s source) staged() bool { return staged().MatchString(s.gcs) }
