package proof_test

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// passage is what lies between the program and the world: it numbers the points
// at which the program can be killed, before and after each request and each
// save, and kills it at one of them.
type passage struct {
	mu     sync.Mutex
	passed []string                            // the points so far
	at     int                                 // the point to kill at; -1 for none
	counts func(what string) bool              // which points there are; nil for all
	kill   func()                              // kills the program that runs and returns when it is gone
	moves  func(r *http.Request) (over func()) // is told of each request to a platform that may change something; may be nil
	delay  time.Duration                       // of each answer
	spoils *spoiler                            // gives requests faults; nil for none
	busy   func(r *http.Request) bool          // has a request refused as AWS throttles; may be nil
	asked  map[string]int                      // how many requests there were, by the address that they were led to
	inside inside
}

// inside counts the requests that are led at the moment. A [sync.WaitGroup] does
// not: a program that is gone may still have one under way that comes while the
// test waits.
type inside struct {
	mu    sync.Mutex
	count int
	left  chan struct{} // closed when one leaves; nil while nobody waits
}

func (i *inside) enter() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count++
}

func (i *inside) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count--
	if i.left != nil {
		close(i.left)
		i.left = nil
	}
}

// wait returns when none is led.
func (i *inside) wait() {
	for {
		i.mu.Lock()
		if i.count == 0 {
			i.mu.Unlock()
			return
		}
		if i.left == nil {
			i.left = make(chan struct{})
		}
		left := i.left
		i.mu.Unlock()
		<-left
	}
}

// never is a point that is not reached.
const never = -1

// point passes one point; true means that the program was killed there.
func (p *passage) point(what string) bool {
	return p.points(1, func(int) string { return what }) == 0
}

// points reserves several points in a row, and returns which of them the program
// is to be killed at, or never. At the first it is killed at once.
func (p *passage) points(n int, what func(int) string) int {
	p.mu.Lock()
	if p.counts != nil && !p.counts(what(0)) {
		p.mu.Unlock()
		return never
	}
	first := len(p.passed)
	for i := range n {
		p.passed = append(p.passed, what(i))
	}
	hit := p.at - first
	if p.at == never || hit < 0 || hit >= n {
		hit = never
	}
	kill := p.kill
	p.mu.Unlock()
	if hit == 0 {
		kill()
	}
	return hit
}

// arm sets the point to kill at, counted from what was passed by now.
func (p *passage) arm(at int, kill func()) {
	p.inside.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed, p.at, p.kill = nil, at, kill
}

// spoil gives requests faults from now on, none where s is nil.
func (p *passage) spoil(s *spoiler) {
	p.inside.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoils = s
}

// list is the points that were passed since the passage was armed, and which of
// them the program was killed at, if it was.
func (p *passage) list() (points []string, where string, killed bool) {
	p.inside.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at != never && p.at < len(p.passed) {
		return p.passed, p.passed[p.at], true
	}
	return p.passed, "", false
}

// before leads requests to a server. name says what a request is, "" for one that
// is no point.
func (p *passage) before(t testing.TB, to string, name func(*http.Request) string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport:    transport,
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(answer *http.Response) error {
			if what := name(answer.Request); what != "" && p.point("after "+what) {
				return fmt.Errorf("killed after %s", what)
			}
			return nil
		},
	}
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.inside.enter()
		defer p.inside.leave()
		p.mu.Lock()
		if p.asked == nil {
			p.asked = map[string]int{}
		}
		p.asked[to]++
		spoils := p.spoils
		p.mu.Unlock()
		if spoils.takes(to, r) {
			spoils.serve(w, r, proxy)
			return
		}
		time.Sleep(p.delay)
		if p.busy != nil && p.busy(r) {
			w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
			http.Error(w, `{"message": "Too Many Requests"}`, http.StatusTooManyRequests)
			return
		}
		what := name(r)
		if what != "" && p.point("before "+what) {
			panic(http.ErrAbortHandler)
		}
		if p.moves != nil && r.Method != http.MethodGet && what != "" && !strings.HasPrefix(what, isSave) {
			defer p.moves(r)()
		}
		proxy.ServeHTTP(w, r)
	}))
}

// saves is the address at which the program tells of its commits; see [told].
func (p *passage) saves(t testing.TB) string {
	t.Helper()
	var mu sync.Mutex
	after := map[string]bool{} // whether to die after the commit, by its number
	number := 0
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.inside.enter()
		defer p.inside.leave()
		mu.Lock()
		defer mu.Unlock()
		if saved := r.FormValue("saved"); saved != "" {
			if after[saved] {
				p.kill()
			}
			_, _ = fmt.Fprint(w, "0 false 0") // to a program that is gone
			return
		}
		parts, err := strconv.Atoi(r.FormValue("parts"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		number++
		hit := p.points(parts+1, func(i int) string { return fmt.Sprintf("save %d, %d of %d entries saved", number, i, parts) })
		after[strconv.Itoa(number)] = hit > 0
		_, _ = fmt.Fprint(w, number, hit > 0 && hit < parts, max(hit, 0)) // to a program that is gone
	}))
}
