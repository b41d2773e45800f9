package view

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"sluice/rollout"
)

// Delivery is how well a stage is delivered to, by the rollouts that are kept. A
// deployment is a promotion to the stage that changed something there, however many
// targets it has, and is over. It failed where one of its rollouts failed, or was
// taken back.
type Delivery struct {
	Stage       string       `json:"stage"`
	Since       time.Time    `json:"since,omitzero"` // the oldest rollout that is kept; zero where none is
	Deployments []Deployment `json:"deployments"`    // oldest first
	Failed      int          `json:"failed"`
	PerWeek     float64      `json:"perWeek"`     // deployments in seven days, over the days that are kept, at least one
	FailureRate float64      `json:"failureRate"` // failed ones of all, 0 to 1
	LeadTime    Seconds      `json:"leadTimeSeconds"`
	Restore     Seconds      `json:"timeToRestoreSeconds"`
}

// Seconds is a median in seconds, and of how many.
type Seconds struct {
	Median float64 `json:"median"`
	Of     int     `json:"of"` // 0 where there was nothing to measure
}

// Deployment is a promotion to a stage that is over.
type Deployment struct {
	Promotion string    `json:"promotion"`
	Ended     time.Time `json:"ended"`
	Failed    bool      `json:"failed,omitempty"`
	Lead      float64   `json:"leadTimeSeconds,omitempty"`      // from when its release was first known to when it stood; 0 where it failed
	Restore   float64   `json:"timeToRestoreSeconds,omitempty"` // from the failure to when its targets were good again; 0 where none was
	Restored  bool      `json:"restored,omitempty"`             // they are good again
}

// DeliveryOf is how well a stage is delivered to. rollouts are those of all stages,
// oldest first: a release may have been known before on another one.
func DeliveryOf(stage string, rollouts []ReportedRollout, now time.Time) Delivery {
	d := Delivery{Stage: stage, Deployments: []Deployment{}}
	first := firstKnown(rollouts)
	for _, members := range deploymentsOf(stage, rollouts) {
		d.Deployments = append(d.Deployments, deployment(members, rollouts, first))
	}
	sort.SliceStable(d.Deployments, func(i, j int) bool { return d.Deployments[i].Ended.Before(d.Deployments[j].Ended) })
	for _, r := range rollouts {
		if r.Stage == stage && (d.Since.IsZero() || r.Created.Before(d.Since)) {
			d.Since = r.Created
		}
	}
	d.sum(now)
	return d
}

// sum adds up what the deployments came to.
func (d *Delivery) sum(now time.Time) {
	var leads, restores []float64
	for _, one := range d.Deployments {
		if !one.Failed {
			leads = append(leads, one.Lead)
			continue
		}
		d.Failed++
		if one.Restored {
			restores = append(restores, one.Restore)
		}
	}
	d.LeadTime, d.Restore = median(leads), median(restores)
	if n := len(d.Deployments); n > 0 {
		days := max(now.Sub(d.Since).Hours()/24, 1)
		d.PerWeek, d.FailureRate = float64(n)*7/days, float64(d.Failed)/float64(n)
	}
}

func median(values []float64) Seconds {
	if len(values) == 0 {
		return Seconds{}
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return Seconds{Median: values[middle], Of: len(values)}
	}
	return Seconds{Median: (values[middle-1] + values[middle]) / 2, Of: len(values)}
}

// firstKnown is since when each release is known: when it was made, where a platform
// tells, else when its first rollout was created.
func firstKnown(rollouts []ReportedRollout) map[string]time.Time {
	first := map[string]time.Time{}
	for _, r := range rollouts {
		at := r.Created
		if !r.ReleasedAt.IsZero() && r.ReleasedAt.Before(at) {
			at = r.ReleasedAt
		}
		if have, ok := first[r.Release]; !ok || at.Before(have) {
			first[r.Release] = at
		}
	}
	return first
}

// deploymentsOf are the rollouts of each promotion to a stage that is over and
// changed something.
func deploymentsOf(stage string, rollouts []ReportedRollout) [][]ReportedRollout {
	of, order := map[string][]ReportedRollout{}, []string{}
	for _, r := range rollouts {
		if r.Stage != stage || r.Command != rollout.CommandPromote && r.Command != rollout.CommandPromoteCanary {
			continue
		}
		if of[r.Promotion] == nil {
			order = append(order, r.Promotion)
		}
		of[r.Promotion] = append(of[r.Promotion], r)
	}
	var list [][]ReportedRollout
	for _, id := range order {
		underWay := func(r ReportedRollout) bool { return r.Ended.IsZero() }
		acted := func(r ReportedRollout) bool { return r.Acted }
		if !slices.ContainsFunc(of[id], underWay) && slices.ContainsFunc(of[id], acted) {
			list = append(list, of[id])
		}
	}
	return list
}

// deployment is what the rollouts of one promotion came to.
func deployment(members, all []ReportedRollout, first map[string]time.Time) Deployment {
	d := Deployment{Promotion: members[0].Promotion}
	var restored time.Time
	failed := time.Time{}
	d.Restored = true
	for _, r := range members {
		if d.Ended.Before(r.Ended) {
			d.Ended = r.Ended
		}
		d.Lead = max(d.Lead, r.Ended.Sub(first[r.Release]).Seconds())
		if !r.bad() {
			continue
		}
		if !d.Failed || r.Ended.Before(failed) {
			failed = r.Ended
		}
		d.Failed = true
		good := goodAgain(r, all)
		d.Restored = d.Restored && !good.IsZero()
		if good.After(restored) {
			restored = good
		}
	}
	if d.Failed {
		d.Lead = 0
	}
	d.Restored = d.Restored && d.Failed
	if d.Restored {
		d.Restore = max(restored.Sub(failed).Seconds(), 0)
	}
	return d
}

// bad reports whether a rollout failed, or was taken back.
func (r PastRollout) bad() bool {
	return r.State == rollout.StateFailed || len(r.RolledBackBy) > 0
}

// goodAgain is when the target of a bad rollout was good again: its traffic was put
// back, or the next rollout there succeeded; zero where neither has been.
func goodAgain(bad ReportedRollout, all []ReportedRollout) time.Time {
	again := bad.RestoredAt
	for _, r := range all {
		after := r.Target == bad.Target && r.Rollout != bad.Rollout && !r.Created.Before(bad.Created)
		if after && r.State == rollout.StateSucceeded && len(r.RolledBackBy) == 0 && (again.IsZero() || r.Ended.Before(again)) {
			again = r.Ended
		}
	}
	return again
}

// Buckets count deployments by days, or by weeks where they cover more than four of
// them: the newest at most so many.
func (d Delivery) Buckets(now time.Time, most int) []Bucket {
	if len(d.Deployments) == 0 {
		return nil
	}
	step := 24 * time.Hour
	from := d.Deployments[0].Ended.UTC().Truncate(step)
	if now.Sub(from) > 28*step {
		step *= 7
		from = from.Truncate(step)
	}
	count := int(now.UTC().Sub(from)/step) + 1
	if count > most {
		from, count = from.Add(time.Duration(count-most)*step), most
	}
	list := make([]Bucket, count)
	for i := range list {
		list[i] = Bucket{Start: from.Add(time.Duration(i) * step), Days: int(step.Hours() / 24)}
	}
	for _, one := range d.Deployments {
		i := int(one.Ended.UTC().Sub(from) / step)
		if one.Ended.UTC().Before(from) || i >= count {
			continue
		}
		list[i].Deployments++
		if one.Failed {
			list[i].Failed++
		}
	}
	return list
}

// Bucket counts the deployments that ended within some days.
type Bucket struct {
	Start       time.Time
	Days        int
	Deployments int
	Failed      int
}

// Most is the largest count of some buckets.
func Most(list []Bucket) int {
	if len(list) == 0 {
		return 0
	}
	return slices.MaxFunc(list, func(a, b Bucket) int { return cmp.Compare(a.Deployments, b.Deployments) }).Deployments
}
