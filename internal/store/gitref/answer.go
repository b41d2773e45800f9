package gitref

import (
	"errors"
	"fmt"
	"slices"

	"sluice/internal/actions"
)

// What GitHub's git data API answers, and what each answer must carry to be
// believed: docs/guarantees.md.

// reference is a branch.
type reference struct {
	Ref    string `json:"ref"`
	Object struct {
		SHA string `json:"sha"`
	} `json:"object"`
}

// Proven implements [actions.Answer].
func (r *reference) Proven() error {
	if r.Ref == "" || !isID(r.Object.SHA) {
		return errors.New("a branch without its name or its commit")
	}
	return nil
}

// references are the branches whose names begin alike.
type references struct{ actions.List[reference] }

// Proven implements [actions.Answer].
func (r *references) Proven() error {
	if r.List == nil {
		return errors.New("no list of branches")
	}
	for _, one := range r.List {
		if err := one.Proven(); err != nil {
			return err
		}
	}
	return nil
}

// object is something that git names by its content.
type object struct {
	SHA string `json:"sha"`
}

// Proven implements [actions.Answer].
func (o *object) Proven() error {
	if !isID(o.SHA) {
		return errors.New("an object without its id")
	}
	return nil
}

// commitAnswer is a commit.
type commitAnswer struct {
	object
	Tree    object   `json:"tree"`
	Parents []object `json:"parents"`
}

// Proven implements [actions.Answer].
func (c *commitAnswer) Proven() error { return errors.Join(c.object.Proven(), c.Tree.Proven()) }

// is reports why an answer is not about the commit of a tree on top of parents.
func (c *commitAnswer) is(tree string, parents []string) error {
	if c.Tree.SHA != tree {
		return fmt.Errorf("a commit of the tree %s instead of %s", c.Tree.SHA, tree)
	}
	if !slices.EqualFunc(c.Parents, parents, func(o object, sha string) bool { return o.SHA == sha }) {
		return errors.New("a commit that is not on top of the branch")
	}
	return nil
}

// headAnswer is a commit as the list of commits has it: with its tree, and with
// files that it changed, which nobody wants.
type headAnswer struct {
	object
	Commit struct {
		Tree object `json:"tree"`
	} `json:"commit"`
	Parents []object `json:"parents"`
}

// tree is the commit's tree.
func (h *headAnswer) tree() string { return h.Commit.Tree.SHA }

// Most implements [actions.Long]: one file's difference is among it.
func (*headAnswer) Most() int64 { return 16 << 20 }

// Proven implements [actions.Answer].
func (h *headAnswer) Proven() error { return errors.Join(h.object.Proven(), h.Commit.Tree.Proven()) }

// comparison is how one commit stands to another.
type comparison struct {
	Status string `json:"status"`
}

// Most implements [actions.Long]: one file's difference is among it.
func (*comparison) Most() int64 { return 16 << 20 }

// Proven implements [actions.Answer].
func (c *comparison) Proven() error {
	switch c.Status {
	case "ahead", "behind", "diverged", "identical":
		return nil
	}
	return fmt.Errorf("a comparison of two commits that says %.40q", c.Status)
}

// treeAnswer is a recursive list of a tree.
type treeAnswer struct {
	object
	Tree      actions.List[node] `json:"tree"`
	Truncated bool               `json:"truncated"`
	whole     tree
}

// Most implements [actions.Long]: GitHub cuts a tree at 7 MB.
func (*treeAnswer) Most() int64 { return 8 << 20 }

// Proven implements [actions.Answer].
func (t *treeAnswer) Proven() (err error) {
	if err := t.object.Proven(); err != nil {
		return err
	}
	if t.Tree == nil {
		return errors.New("a tree without its entries")
	}
	if t.Truncated {
		return nil // content says so
	}
	t.whole, err = newTree(t.SHA, t.Tree)
	return err
}
