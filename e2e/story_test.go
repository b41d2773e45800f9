package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories runs testdata/story: what a person types and sees. Each story
// starts in an empty folder, outside of Actions, with $ROOT naming the tree.
func TestStories(t *testing.T) {
	root := absolute(t, "..")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/story",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", root)
			env.Setenv("PATH", os.Getenv("PATH"))
			return os.MkdirAll(filepath.Join(env.WorkDir, ".tmp"), 0o750)
		},
	})
}
