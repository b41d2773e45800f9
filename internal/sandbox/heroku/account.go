package heroku

import (
	"time"

	"sluice/internal/sandbox/kit"
)

const ownerEmail = "owner@example.com"

func ownerID() string { return fixedID("owner", ownerEmail) }

// account is the account at a time: what the API's rules work on.
type account struct {
	*state
	now    time.Time
	base   string     // of the API's URL
	moves  *kit.Moves // releases are looked at
	tokens *tokens
}

func getAccount(c *call) (any, error) {
	return map[string]any{"id": ownerID(), "email": ownerEmail, "name": "Sandbox"}, nil
}

func getRateLimits(c *call) (any, error) {
	return map[string]int{"remaining": c.tokens.left}, nil
}

// docs/platforms.md: "4,500 tokens, refilled at about 75 a minute"
const (
	fullTokens = 4500
	refill     = time.Minute / 75
)

// tokens are the account's requests still to be had.
type tokens struct {
	left  int
	since time.Time // of the last refill
}

// take uses a token up. It reports whether there was one.
func (t *tokens) take(now time.Time) bool {
	if t.since.IsZero() {
		t.since = now
	}
	if come := int(now.Sub(t.since) / refill); come > 0 {
		t.left = min(t.left+come, fullTokens)
		t.since = t.since.Add(time.Duration(come) * refill)
	}
	if t.left == 0 {
		return false
	}
	t.left--
	return true
}
