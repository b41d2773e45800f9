package entrecode

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// form is what kind of answer a request wants.
type form int

const (
	theOne form = iota // the resource itself
	aList              // a page of a list
	either             // a filter by an id: the resource, or a list that has it
	root               // the entry point
)

// wanted is what an answer must be to be believed.
type wanted struct {
	form   form
	family family
	id     string // the one that was asked for; "" for any
}

func one(f family, id string) wanted    { return wanted{theOne, f, id} }
func listOf(f family) wanted            { return wanted{form: aList, family: f} }
func filter(f family, id string) wanted { return wanted{either, f, id} }

// doubted is an answer to a read that cannot be believed. Nothing is concluded
// from it: it is read again.
func doubted(format string, values ...any) error {
	return &unreadable{http.MethodGet, fmt.Errorf(format, values...)}
}

// believe returns r if it can be what was wanted. Every answer passes here
// before anything is decided from it.
func (w wanted) believe(r *resource) (*resource, error) {
	switch own := r.id(w.family.key); {
	case w.form == root:
		return r, w.leads(r)
	case w.form == theOne && own == "":
		return nil, doubted("a %s without %s", w.family.what, w.family.key)
	case w.form == aList && own != "":
		return nil, doubted("%s %s instead of a list", w.family.what, own)
	case own != "" && w.id != "" && own != w.id:
		return nil, doubted("it is about %s %s, not %s", w.family.what, own, w.id)
	case own != "":
		return r, nil
	default:
		return r, w.listed(r)
	}
}

// leads doubts an entry point that leads to nothing of the family.
func (w wanted) leads(r *resource) error {
	if !r.offers(w.family) {
		return doubted("an entry point without a relation to %ss", w.family.what)
	}
	return r.named(w.family)
}

// named doubts a resource that embeds something of a family which does not say
// which it is.
func (r *resource) named(f family) error {
	for _, item := range r.items(f.item) {
		if item.id(f.key) == "" {
			return doubted("a list with a %s without %s", f.what, f.key)
		}
	}
	return nil
}

// offers reports whether r links or embeds anything of a family.
func (r *resource) offers(f family) bool {
	for _, rel := range []string{f.byID, f.options, f.list, f.item} {
		if _, ok := r.one(rel); ok || len(r.items(rel)) > 0 {
			return true
		}
	}
	return false
}

// listed doubts a page whose entries do not say which they are, or that is
// empty and does not say that nothing was to be there.
func (w wanted) listed(r *resource) error {
	total, said, err := r.total()
	if err != nil {
		return err
	}
	items := r.items(w.family.item)
	if len(items) == 0 && !said {
		return doubted("neither a %s nor a list of them: it embeds none and has no total", w.family.what)
	}
	if said && len(items) > total {
		return doubted("a list of %d that embeds %d", total, len(items))
	}
	return r.named(w.family)
}

// total is how many entries a list has on all of its pages, as far as it says.
func (r *resource) total() (n int, said bool, err error) {
	raw, said := r.fields["total"]
	if !said {
		return 0, false, nil
	}
	if n, err = strconv.Atoi(looseID(raw)); err != nil || n < 0 {
		return 0, false, doubted("a list whose total is %s", raw)
	}
	return n, true, nil
}

// tally counts the entries of a list over its pages.
type tally struct {
	family family
	seen   map[string]bool
}

// add doubts an entry that an earlier page had: the list moved while it was read.
func (t *tally) add(page *resource) error {
	for _, item := range page.items(t.family.item) {
		id := item.id(t.family.key)
		if t.seen[id] {
			return doubted("%s %s is in the list twice", t.family.what, id)
		}
		t.seen[id] = true
	}
	return nil
}

// whole doubts a list whose last page was read and that is not all of it. Half
// a list must not pass for all.
func (t *tally) whole(last *resource) error {
	total, said, err := last.total()
	switch {
	case err != nil:
		return err
	case !said:
		return doubted("a list of %ss that does not say its total: whether it is whole cannot be told", t.family.what)
	case len(t.seen) != total:
		return doubted("the list says that it has %d entries and gave %d", total, len(t.seen))
	default:
		return nil
	}
}

// statusOf is the status of a build or a deployment, "" where it has none. One
// that is no text is none that can be believed.
func statusOf(r *resource) (string, error) {
	raw, ok := r.fields["successful"]
	if !ok || string(raw) == "null" {
		return "", nil
	}
	var status string
	if err := json.Unmarshal(raw, &status); err != nil {
		return "", doubted("a status that is no text but %s", looseText(raw))
	}
	return status, nil
}
