// Package gitref keeps state on a branch of the repository, one file per entry,
// through GitHub's REST API: no clone, no git program.
//
// A commit of any number of entries is one git commit on top of the branch as it
// was read, and the branch moves only forward, so the store compares, swaps and is
// atomic. Who loses the race for the branch reads it again: where the winner
// changed other entries, the commit is made anew on top, else it is a conflict. The
// branch starts without history, and its log tells what happened. It needs the
// permission contents: write.
//
// What it costs: reading is the branch's head, the guard below and the branch's
// archive, three requests for any number of entries, and one where nothing
// changed. A commit is a tree with its files' content inline, the commit itself,
// and the moves of two refs: four requests for any number of entries, all of which
// GitHub counts as creating content. [Queue] spreads them.
//
// The guard is a second ref, refs/sluice/<branch>, on the newest commit that Sluice
// made. A branch that does not go on from there was moved or deleted by somebody:
// that is state which was lost, and a person decides ([Accept]).
package gitref

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"sluice/internal/actions"
	"sluice/internal/store"
	"sluice/internal/work"
)

// DefaultBranch is where state is kept unless the pipeline file says otherwise.
const DefaultBranch = "sluice-state"

const permission = "contents: write"

// Options are what a store needs.
type Options struct {
	GitHub func() (*actions.Client, error) // called when the store is first used
	Branch string                          // "" means DefaultBranch
	Run    actions.Context                 // this run, for the log and for conflicts of others
	// Describe says in one line what a save is about, for the log; nil for
	// nothing.
	Describe func(store.Entry) string
	// Queue is what this process's stores of one repository share; nil means one
	// of this store's own.
	Queue *Queue
	Clock work.Clock           // the zero Clock is the machine's
	Wait  time.Duration        // before the first repetition; 0 means 200 ms
	Warn  func(message string) // nil drops warnings
}

// branch keeps entries on a branch.
type branch struct {
	options Options
	github  func() (*actions.Client, error)
	queue   *Queue

	mu    sync.Mutex
	last  snapshot          // the branch as last read or written
	stale bool              // it may have moved since: look before the next commit
	texts map[string][]byte // the files' content by its name, which never changes
	size  int               // of texts together
}

var branchName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$`) })

// Open returns the store. It sends nothing before its first use.
func Open(options Options) (store.Store, error) {
	b, err := open(options)
	if err != nil {
		return nil, err
	}
	return store.New(b, options.Run.Run()), nil
}

func open(options Options) (*branch, error) {
	if options.Branch == "" {
		options.Branch = DefaultBranch
	}
	options.Clock = options.Clock.Filled()
	if options.Wait == 0 {
		options.Wait = 200 * time.Millisecond
	}
	if options.Queue == nil {
		options.Queue = NewQueue(options.Clock)
	}
	if options.Warn == nil {
		options.Warn = func(string) {}
	}
	if err := checkBranch(options.Branch, options.Run.DefaultBranch); err != nil {
		return nil, err
	}
	return &branch{options: options, github: sync.OnceValues(options.GitHub), queue: options.Queue, stale: true, texts: map[string][]byte{}}, nil
}

func checkBranch(branch, code string) error {
	if !branchName().MatchString(branch) || strings.Contains(branch, "..") || strings.Contains(branch, "//") ||
		strings.HasSuffix(branch, "/") || strings.HasSuffix(branch, ".lock") || strings.HasSuffix(branch, ".") {
		return fmt.Errorf("state.branch: %q is not a branch name; give one such as %s", branch, DefaultBranch)
	}
	if branch == code {
		return fmt.Errorf("state.branch: %s is the repository's default branch; state needs one of its own, such as %s", branch, DefaultBranch)
	}
	return nil
}

// Facts say that the store swaps, is atomic, and that GitHub authenticated
// whoever writes.
func (s *branch) Facts() store.Facts {
	return store.Facts{Name: "git", Swap: true, Atomic: true, Identity: true, Together: true}
}

func (s *branch) name() string { return "heads/" + s.options.Branch }

// guard is the second ref's name.
func (s *branch) guard() string { return "sluice/" + s.options.Branch }

// Read reads the entries as one commit of the branch has them.
func (s *branch) Read(ctx context.Context, keys []store.Key) ([]store.Stored, error) {
	head, err := s.look(ctx)
	if err != nil {
		return nil, s.unreadable("read", err)
	}
	return s.current(ctx, head, keys)
}

// current reads entries in a snapshot.
func (s *branch) current(ctx context.Context, head snapshot, keys []store.Key) ([]store.Stored, error) {
	return store.ReadEach(ctx, keys, func(ctx context.Context, k store.Key) (store.Stored, error) {
		blob, err := head.files.blob(k)
		if err != nil {
			return store.Stored{}, s.refused(k, err)
		}
		if blob == "" {
			return store.Stored{Entry: store.Entry{Key: k}}, nil
		}
		return s.record(ctx, k, blob)
	})
}

// record reads one file.
func (s *branch) record(ctx context.Context, k store.Key, blob string) (store.Stored, error) {
	text, err := s.text(ctx, blob)
	if err != nil {
		return store.Stored{}, s.unreadableKey(k, "read", err)
	}
	found, err := store.Decode(k, text)
	if err != nil {
		return store.Stored{}, s.refused(k, fmt.Errorf("%s: %w", k.Path(), err))
	}
	found.Version = blob
	return found, nil
}

// text is a file's content, as it came with the branch or read by itself.
func (s *branch) text(ctx context.Context, blob string) ([]byte, error) {
	s.mu.Lock()
	text, ok := s.texts[blob]
	s.mu.Unlock()
	if ok {
		return text, nil
	}
	api, err := s.github()
	if err != nil {
		return nil, err
	}
	return api.Raw(ctx, api.Path("git/blobs/"+blob), store.MaxStored, func(text []byte) error {
		if got := blobID(text); got != blob {
			return fmt.Errorf("its %d bytes are %s, not %s", len(text), got, blob)
		}
		return nil
	})
}

// maxTexts bounds what is kept of files' content. What goes beyond is read file by
// file when it is wanted.
const maxTexts = 96 << 20

// learn keeps a file's content.
func (s *branch) learn(blob string, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, have := s.texts[blob]; have || s.size+len(text) > maxTexts {
		return
	}
	s.texts[blob] = text
	s.size += len(text)
}

// keep takes over where the branch is now, and forgets content that is not there.
func (s *branch) keep(n snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.stale = n, false
	there := map[string]bool{}
	for _, file := range n.files {
		there[file.SHA] = true
	}
	for blob, text := range s.texts {
		if !there[blob] {
			delete(s.texts, blob)
			s.size -= len(text)
		}
	}
}

// doubt has the next commit look where the branch is.
func (s *branch) doubt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
}

// known is the branch as this process knows it, and whether that may be committed
// upon without another look.
func (s *branch) known() (snapshot, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, !s.stale
}

// List returns the entries of one kind that have a file.
func (s *branch) List(ctx context.Context, pipeline, kind string) ([]store.Key, error) {
	head, err := s.look(ctx)
	if err != nil {
		return nil, s.unreadable("list", err)
	}
	var keys []store.Key
	for path := range head.files {
		if k, ok := store.KeyOfPath(path); ok && k.Kind == kind && k.Pipeline == pipeline {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
