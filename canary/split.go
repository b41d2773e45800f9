// Package canary is how traffic moves on every platform that can split it
// between two releases: shares as exact decimals, and who has which. How a
// platform is told so, and what it answers, stands in the platform's own folder.
//
// Everything here is a pure function of its arguments.
package canary

// Split is a target's traffic, divided between what runs there and a canary.
type Split struct {
	Stable  string  // the release that runs for the target's ordinary traffic; "" where nothing runs
	Canary  string  // the release that has a share; "" for none
	Percent Percent // the canary's share
}

// Share is a release's part of the traffic.
type Share struct {
	Release string
	Percent Percent
}

// Shares are who has how much of the traffic, the stable release first. They sum
// to 100. A canary without traffic has no share; one of the stable release itself
// is the stable release. There are none where nothing runs.
func (s Split) Shares() []Share {
	rest, whole := s.Percent.Rest(), Share{Release: s.Stable, Percent: "100"}
	switch {
	case s.Stable == "":
		return nil
	case s.Canary == "" || s.Percent.IsZero() || s.Canary == s.Stable:
		return []Share{whole}
	case rest.IsZero():
		return []Share{{Release: s.Canary, Percent: "100"}}
	default:
		return []Share{{Release: s.Stable, Percent: rest}, {Release: s.Canary, Percent: s.Percent}}
	}
}
