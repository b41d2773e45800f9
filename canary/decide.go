package canary

import "fmt"

// Want is what an effect should make true of a target's traffic.
type Want struct {
	Release string  // that gets all of it, or a share; "" with [Stable]: the canary's
	Percent Percent // [Give]: its share
	Before  *Split  // [Restore]: what stood before the rollout; nil where nobody recorded it
	// Ours says that the canary which stands is the rollout's own, or that a person
	// decided about it: it may be moved.
	Ours bool
}

// Refusal is why an effect must not be sent.
type Refusal struct {
	Message string
	Remedy  string
	// Foreign says that somebody else brought about what stands, during our rollout:
	// a person decides.
	Foreign bool
}

// Deploy gives a release all of the traffic at once. A canary that stands is
// refused: it would be lost.
func Deploy(stands Split, w Want) (Split, *Refusal) {
	switch {
	case stands.isWhole() && stands.Stable == w.Release:
		return stands, nil
	case !stands.isWhole():
		return stands, &Refusal{
			Message: fmt.Sprintf("a canary stands there: %s %% to %s", stands.Percent, stands.Canary),
			Remedy:  "promote it first (promote-canary), take it away (disable-canary), or give the target a canary strategy",
		}
	default:
		return Split{Stable: w.Release}, nil
	}
}

// Give gives a release its share of the traffic. A canary that the rollout did not
// make is refused.
func Give(stands Split, w Want) (Split, *Refusal) {
	after := Split{Stable: stands.Stable, Canary: w.Release, Percent: w.Percent}
	switch {
	case stands.isWhole() && stands.Stable == w.Release, stands.same(after):
		return stands, nil
	case !stands.isWhole() && !w.Ours:
		return stands, &Refusal{
			Message: fmt.Sprintf("a canary that this rollout did not make has %s %% of the traffic: %s", stands.Percent, stands.Canary),
			Remedy:  "promote it (promote-canary) or take its traffic away first (disable-canary)",
		}
	default:
		return after, nil
	}
}

// Promote gives the canary that stands all of the traffic.
func Promote(stands Split, w Want) (Split, *Refusal) {
	switch {
	case stands.isWhole() && w.Release != "" && stands.Stable == w.Release:
		return stands, nil
	case stands.isWhole():
		return stands, &Refusal{Message: "no canary stands there: there is nothing to promote", Remedy: "give a release a share of the traffic first"}
	case w.Release != "" && stands.Canary != w.Release:
		return stands, &Refusal{
			Message: fmt.Sprintf("the canary runs %s, not %s", stands.Canary, w.Release), Foreign: !w.Ours,
			Remedy: "start a new promotion, or promote what stands there (promote-canary)",
		}
	default:
		return Split{Stable: stands.Canary}, nil
	}
}

// Remove takes the canary away, and its traffic with it.
func Remove(stands Split, w Want) (Split, *Refusal) {
	switch {
	case stands.isWhole():
		return stands, nil
	case !w.Ours:
		return stands, &Refusal{
			Message: fmt.Sprintf("the canary still has %s %% of the traffic", stands.Percent),
			Remedy:  "promote it first (promote-canary), or roll back",
		}
	default:
		return Split{Stable: stands.Stable}, nil
	}
}

// Restore puts what stood before a rollout back, without a canary: giving one its
// share back would send traffic to what is being rolled back from.
func Restore(stands Split, w Want) (Split, *Refusal) {
	switch {
	case w.Before == nil:
		return stands, &Refusal{Message: "what ran before this rollout was not recorded", Remedy: "promote an earlier release by its id (--release)"}
	case w.Before.Stable == "":
		return stands, &Refusal{Message: "nothing ran before this rollout"}
	default:
		return Split{Stable: w.Before.Stable}, nil
	}
}

// isWhole reports whether one release has all of the traffic.
func (s Split) isWhole() bool { return s.Canary == "" || s.Percent.IsZero() || s.Canary == s.Stable }

// same reports whether two splits divide the traffic alike.
func (s Split) same(o Split) bool {
	if s.isWhole() || o.isWhole() {
		return s.isWhole() == o.isWhole() && s.Stable == o.Stable
	}
	return s.Stable == o.Stable && s.Canary == o.Canary && s.Percent.String() == o.Percent.String()
}
