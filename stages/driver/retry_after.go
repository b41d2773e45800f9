package driver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mostRetryAfter is the longest that an answer may have us wait.
const mostRetryAfter = 24 * time.Hour

// RetryAfter reads a Retry-After header (RFC 9110, 10.2.3): seconds, or a date, which
// counts from now and says nothing where that is zero. It is between 0 and 24 hours, and 0
// where the header says nothing.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.Atoi(header); err == nil {
		return time.Duration(min(max(seconds, 0), int(mostRetryAfter/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(header); err == nil && !now.IsZero() {
		return min(max(at.Sub(now), 0), mostRetryAfter)
	}
	return 0
}
