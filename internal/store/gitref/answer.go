package gitref

import (
	"errors"
	"fmt"

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

// is reports why an answer is not about the commit of a tree on top of parent,
// "" for none.
func (c *commitAnswer) is(tree, parent string) error {
	if c.Tree.SHA != tree {
		return fmt.Errorf("a commit of the tree %s instead of %s", c.Tree.SHA, tree)
	}
	if parent == "" && len(c.Parents) == 0 || len(c.Parents) == 1 && c.Parents[0].SHA == parent {
		return nil
	}
	return errors.New("a commit that is not on top of the branch")
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

// errTooMany is a branch that GitHub does not list whole.
var errTooMany = errors.New("the branch holds more files than GitHub lists at once")

// Proven implements [actions.Answer].
func (t *treeAnswer) Proven() (err error) {
	if err := t.object.Proven(); err != nil {
		return err
	}
	if t.Tree == nil {
		return errors.New("a tree without its entries")
	}
	if t.Truncated {
		return nil // read says so
	}
	t.whole, err = newTree(t.SHA, t.Tree)
	return err
}
