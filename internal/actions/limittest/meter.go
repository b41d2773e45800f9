// Package limittest is what GitHub allows a token, for the stand-ins of its API:
// they count requests by kind and refuse those that are too many, as GitHub does.
package limittest

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// What GITHUB_TOKEN may do in a repository (docs.github.com/rest: rate limits).
const (
	PerHour        = 1000 // requests of the REST API
	ContentPerMin  = 80   // requests that create content: the secondary limit
	ContentPerHour = 500
)

// Meter counts the requests of a repository's token, and refuses what goes beyond
// the limits. Its zero value counts and refuses nothing.
type Meter struct {
	// Enforce has requests beyond the limits refused.
	Enforce bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Refuse, where set, is asked before each request: it is refused as for the
	// secondary limit, to be sent again after that time; 0 goes on.
	Refuse func(r *http.Request) (retryAfter time.Duration)
	// Slow, where set, is how long each request takes.
	Slow func(r *http.Request) time.Duration

	mu      sync.Mutex
	kinds   map[string]int
	refused int
	all     []time.Time
	content []time.Time
}

// Kind is what a request is counted as: its method, and what it is about.
func Kind(method, about string) string { return method + " " + about }

// Allow counts a request of a kind. Where it goes beyond the limits it is answered,
// and the result is false.
func (m *Meter) Allow(w http.ResponseWriter, r *http.Request, kind string) bool {
	if m.Slow != nil {
		time.Sleep(m.Slow(r))
	}
	asked := time.Duration(0)
	if m.Refuse != nil {
		asked = m.Refuse(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kinds == nil {
		m.kinds = map[string]int{}
	}
	m.kinds[kind]++
	if asked > 0 || !m.within(w, r) {
		m.refused++
		if asked > 0 {
			secondary(w, asked)
		}
		return false
	}
	return true
}

// within spends a request, or refuses it.
func (m *Meter) within(w http.ResponseWriter, r *http.Request) bool {
	now := time.Now()
	if m.Now != nil {
		now = m.Now()
	}
	creates := r.Method != http.MethodGet && r.Method != http.MethodHead
	if m.Enforce {
		if wait := full(m.all, now, time.Hour, PerHour); wait > 0 {
			primary(w, now, wait)
			return false
		}
		if wait := max(full(m.content, now, time.Minute, ContentPerMin), full(m.content, now, time.Hour, ContentPerHour)); creates && wait > 0 {
			secondary(w, wait)
			return false
		}
	}
	m.all = append(m.all, now)
	if creates {
		m.content = append(m.content, now)
	}
	return true
}

// full is how long it takes until one more fits; 0 where it does.
func full(times []time.Time, now time.Time, span time.Duration, most int) time.Duration {
	if len(times) < most {
		return 0
	}
	return max(0, times[len(times)-most].Add(span).Sub(now))
}

// primary refuses as for the requests an hour.
func primary(w http.ResponseWriter, now time.Time, wait time.Duration) {
	w.Header().Set("X-RateLimit-Limit", strconv.Itoa(PerHour))
	w.Header().Set("X-RateLimit-Remaining", "0")
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(wait).Unix()+1, 10))
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	refuse(w, "API rate limit exceeded for installation.")
}

// secondary refuses as for the requests that create content.
func secondary(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	refuse(w, "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later.")
}

func refuse(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprintf(w, `{"message":%q}`, message) // a client that is gone wants no answer
}

// Counts are the requests by kind, also those that were refused.
func (m *Meter) Counts() map[string]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.kinds)
}

// Refused is how many of all requests were refused.
func (m *Meter) Refused() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.refused
}

// Total is how many requests there were.
func (m *Meter) Total() int {
	total := 0
	for _, n := range m.Counts() {
		total += n
	}
	return total
}

// Reset forgets what was counted for [Meter.Counts], not what the limits have seen.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kinds = nil
}
