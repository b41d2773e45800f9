package heroku

import (
	"fmt"
	"strings"
	"testing"
)

type numbered struct {
	Version int    `json:"version"`
	ID      string `json:"id"`
}

// String is the number alone.
func (n numbered) String() string { return fmt.Sprint(n.Version) }

func numbers(n int) list {
	l := list{attributes: []string{"version", "id"}}
	for i := range n {
		l.items = append(l.items, numbered{i + 1, fmt.Sprintf("%03d", n-i)})
	}
	return l
}

func TestPages(t *testing.T) {
	tests := map[string]struct{ want, next string }{
		"version ..; order=desc,max=3":   {"[7 6 5]", "version ]5..; order=desc,max=3"},
		"version ]5..; order=desc,max=3": {"[4 3 2]", "version ]2..; order=desc,max=3"},
		"version ]2..; order=desc,max=3": {"[1]", ""},
		"version 6..":                    {"[6 7]", ""},
		"version 2..; order=desc":        {"[2 1]", ""},
		"version ]5..; max=1":            {"[6]", "version ]6..; max=1"},
		"id ..; max=1000;":               {"[7 6 5 4 3 2 1]", ""},
		"id ]003..;max=2":                {"[4 3]", "id ]005..; max=2"},
		"":                               {"[1 2 3 4 5 6 7]", ""},
	}
	for header, want := range tests {
		p, err := numbers(7).page(header)
		if err != nil || fmt.Sprint(p.items) != want.want || p.next != want.next {
			t.Errorf("%q: %v, next %q, %v; want %s, next %q", header, p.items, p.next, err, want.want, want.next)
		}
	}
	if p, _ := numbers(201).page(""); len(p.items) != 200 || p.next != "version ]200..; max=200" {
		t.Errorf("%d items, next %q", len(p.items), p.next)
	}
	if p, _ := numbers(1001).page("id ..; max=5000"); len(p.items) != 1000 {
		t.Errorf("%d items at once", len(p.items))
	}
	for _, header := range []string{"weather ..", "version", "version x..", "version ..9", "version ..; max=0", "version ..; color=red"} {
		if _, err := numbers(7).page(header); err == nil {
			t.Errorf("%q is accepted", header)
		}
	}
}

// Whatever the header, the pages are whole: nothing twice, nothing left out.
func FuzzRange(f *testing.F) {
	f.Add("version ..; order=desc,max=3")
	f.Add("id ]003..; max=2")
	f.Add("version 9999999999999999999..")
	f.Fuzz(func(t *testing.T, header string) {
		seen := map[any]bool{}
		first := 0
		for range 20 {
			p, err := numbers(7).page(header)
			if err != nil {
				return
			}
			for _, it := range p.items {
				if seen[it] {
					t.Fatalf("%q shows %v twice", header, it)
				}
				seen[it] = true
				first++
			}
			if p.next == "" {
				return
			}
			if len(p.items) == 0 || !strings.Contains(p.next, "]") {
				t.Fatalf("%q goes on with %q after %v", header, p.next, p.items)
			}
			header = p.next
		}
		t.Fatalf("%q never ends", header)
	})
}
