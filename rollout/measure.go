package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"sluice/analysis"
)

// MostSamples is how many looks at one check a record keeps, the newest. All are
// counted.
const MostSamples = 24

// lookAgain is how soon a look is repeated that told nothing when the bake was
// over.
const lookAgain = time.Minute

// Measure is what the looks at one check of a job said, in the job's present run.
type Measure struct {
	Phase     string             `json:"phase"`
	Job       string             `json:"job"`
	Check     int                `json:"check"` // which of [Gates.Own]
	Name      string             `json:"name"`  // see [Gate.Name]
	Condition analysis.Condition `json:"condition,omitzero"`
	Samples   []analysis.Sample  `json:"samples"` // the last [MostSamples], newest last
	Taken     int                `json:"taken"`
	Failed    int                `json:"failed,omitzero"`
	Told      time.Time          `json:"told,omitzero"` // the last look that was no gap
	Unknown   jsontext.Value     `json:",embed"`
}

// Last is the newest look; false before the first.
func (m *Measure) Last() (analysis.Sample, bool) {
	if m == nil || len(m.Samples) == 0 {
		return analysis.Sample{}, false
	}
	return m.Samples[len(m.Samples)-1], true
}

// Undecided is a job whose checks were inconclusive: a person decides whether it
// passed.
type Undecided struct {
	Phase   string         `json:"phase"`
	Job     string         `json:"job"`
	Since   time.Time      `json:"since"`
	Message string         `json:"message"`
	Stage   bool           `json:"stage,omitzero"` // by a check of scope stage: what decides that for one of the wave decides it for the others
	Unknown jsontext.Value `json:",embed"`
}

// is reports whether it is this job that a person decides about.
func (u *Undecided) is(phase, job string) bool { return u != nil && u.Phase == phase && u.Job == job }

// CheckDue is a check of a job that is to run now.
type CheckDue struct {
	Index  int // which of [Gates.Own]
	Gate   Gate
	Window analysis.Window // of what it measures
}

// ChecksDue are the target's own checks of a job that are to run now, in their
// order: all of them, of an analysis those whose time has come.
func (e *Execution) ChecksDue(phase, job string, now time.Time) []CheckDue {
	return checks{e, phase, job}.due(now)
}

// checks are the target's own checks of a job, with what was seen of them.
type checks struct {
	*Execution
	phase, job string
}

// analysisOf are the checks that a phase's bake is looked at with.
func analysisOf(e *Execution, phase string) checks { return checks{e, phase, JobAnalysis} }

func (c checks) gates() []Gate { return c.Spec.GatesIn(c.phase).Own(c.job) }

// due are those that are to run now.
func (c checks) due(now time.Time) []CheckDue {
	var due []CheckDue
	for i, g := range c.gates() {
		if c.job != JobAnalysis || c.lookDue(i, g, now) {
			due = append(due, CheckDue{Index: i, Gate: g, Window: c.window(i, g, now)})
		}
	}
	return due
}

// bake reports whether they are looked at over a bake.
func (c checks) bake() bool {
	wait := c.Spec.WaitAfter(c.phase)
	return c.job == JobAnalysis && wait != nil && *wait > 0
}

// window is what the next look at a check is about.
func (c checks) window(check int, g Gate, now time.Time) analysis.Window {
	w := analysis.Window{Now: now, Interval: g.Pace().Over().Std()}
	if !c.bake() {
		return w
	}
	w.Begin, w.End = c.begin(now), c.endFrom(now)
	if last, ok := c.measure(check).Last(); ok {
		w.From = last.At
	}
	return w
}

// begin is when the bake began; now where it is about to.
func (c checks) begin(now time.Time) time.Time {
	if begin, ok := c.Times[analysisKey(c.phase)]; ok {
		return begin
	}
	return now
}

func (c checks) endFrom(now time.Time) time.Time {
	return c.begin(now).Add(c.Spec.WaitAfter(c.phase).Std())
}

// end is when the bake is over.
func (c checks) end() time.Time {
	start := c.Times[analysisKey(c.phase)]
	wait := c.Spec.WaitAfter(c.phase)
	if wait == nil {
		return start
	}
	return start.Add(wait.Std())
}

// lookDue reports whether a check of an analysis is to be looked at now. A check
// that passes or fails runs at the beginning, every minute and at the end; what
// measures is looked at when half its interval is over, for whoever comes by: an
// invocation that waits comes when it is over whole.
func (c checks) lookDue(check int, g Gate, now time.Time) bool {
	if !g.Measures() {
		last, ran := c.Times[analysisRunKey(c.phase)]
		return !ran || !now.Before(c.end()) || now.Sub(last) >= analysisInterval
	}
	at, ok := c.lookAt(check, g, now)
	if !ok {
		return false
	}
	if !now.Before(at) {
		return true
	}
	half := g.Pace().Over().Std() / 2
	return at.Before(c.endFrom(now)) && !now.Before(at.Add(-half))
}

// lookAt is when a check of an analysis is to be looked at next; false where it has
// been, for good.
func (c checks) lookAt(check int, g Gate, now time.Time) (time.Time, bool) {
	last, looked := c.measure(check).Last()
	if !c.bake() {
		return now, !looked
	}
	begin, end := c.begin(now), c.endFrom(now)
	interval := g.Pace().Over().Std()
	switch {
	case !looked:
		return earlier(begin.Add(interval), end), true
	case last.At.Before(end):
		return earlier(last.At.Add(interval), end), true
	case last.Verdict.Conclusive() || g.DryRun:
		return time.Time{}, false
	default:
		return last.At.Add(min(interval, lookAgain)), true
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// goOn reports whether an analysis is to begin, one of its checks is to run, or it is
// over.
func (c checks) goOn(now time.Time) bool {
	_, began := c.Times[analysisKey(c.phase)]
	return !began || len(c.due(now)) > 0 || c.over(now)
}

// next is when an analysis goes on by itself: with the next look at what it
// measures, or when its bake is over.
func (c checks) next(now time.Time) time.Time {
	next := c.end()
	for i, g := range c.gates() {
		if !g.Measures() {
			continue
		}
		if at, ok := c.lookAt(i, g, now); ok && (at.Before(next) || !now.Before(next)) {
			next = at
		}
	}
	return next
}

// over reports whether the bake of an analysis is over and everything that it
// measures was looked at since, and told something.
func (c checks) over(now time.Time) bool {
	if now.Before(c.end()) {
		return false
	}
	for i, g := range c.gates() {
		if !g.Measures() {
			continue
		}
		if _, more := c.lookAt(i, g, now); more {
			return false
		}
	}
	return true
}

// measure finds what the looks at a check said; nil before the first.
func (c checks) measure(check int) *Measure {
	for i := range c.Measures {
		if m := &c.Measures[i]; m.Phase == c.phase && m.Job == c.job && m.Check == check {
			return m
		}
	}
	return nil
}

// forget drops what the looks of the job's run before said.
func (c checks) forget() {
	c.Measures = slices.DeleteFunc(c.Measures, func(m Measure) bool { return m.Phase == c.phase && m.Job == c.job })
	if c.Undecided.is(c.phase, c.job) {
		c.Undecided = nil
	}
}

// beginAnew has an analysis begin its bake anew.
func (c checks) beginAnew() {
	delete(c.Times, analysisKey(c.phase))
	delete(c.Times, analysisRunKey(c.phase))
	c.forget()
}

// Look is one look at a check of a job.
type Look struct {
	Check  int // which of [Gates.Own]
	Sample analysis.Sample
}

// add takes a look over.
func (c checks) add(g Gate, l Look) *Measure {
	m := c.measure(l.Check)
	if m == nil {
		c.Measures = append(c.Measures, Measure{Phase: c.phase, Job: c.job, Check: l.Check, Name: g.Name(), Condition: g.Condition()})
		m = &c.Measures[len(c.Measures)-1]
	}
	m.Samples = append(m.Samples, l.Sample)
	m.Samples = slices.Clone(m.Samples[max(0, len(m.Samples)-MostSamples):])
	m.Taken++
	if l.Sample.Verdict == analysis.Failed {
		m.Failed++
	}
	return m
}

// Condition is what the value that the check measures must meet; zero for none.
func (g Gate) Condition() analysis.Condition {
	switch {
	case g.Measured != nil:
		return g.Measured.Condition
	case g.Metric != nil:
		return g.Metric.Condition
	default:
		return analysis.Condition{}
	}
}

// apply records looks, and what follows: a check that failed oftener than it may
// fails the job, one that a person has to decide about stops it, and a job all of
// whose checks passed goes on as after [PassJob].
func (t Looked) apply(r *Record, now time.Time) error {
	e, err := r.rolloutFor("record looks of", t.Due.Rollout)
	if err != nil {
		return err
	}
	p, j, ok := e.Rollout.job(t.Due.Phase, t.Due.Job)
	if !ok || j.State != JobInProgress || e.Undecided.is(p.ID, j.ID) {
		return nil // it ended meanwhile
	}
	failed, unclear := checks{e, p.ID, j.ID}.weigh(t.Looks)
	switch {
	case failed != "":
		e.owner().failed(r, p.ID, j.ID, ExecutionFailed, failed, now)
		return nil
	case unclear != "":
		e.Undecided = &Undecided{Phase: p.ID, Job: j.ID, Since: now.UTC(), Message: unclear}
		r.event(e, now, Event{Type: "job.undecided", Phase: p.ID, Job: j.ID, Message: unclear})
		return nil
	default:
		return PassJob{Due: t.Due}.apply(r, now)
	}
}

// weigh takes looks over and says why the job fails, or what a person has to
// decide; both "" where it goes on.
func (c checks) weigh(looks []Look) (failed, unclear string) {
	gates := c.gates()
	for _, l := range looks {
		if l.Check < 0 || l.Check >= len(gates) {
			continue
		}
		g := gates[l.Check]
		if !g.Measures() {
			if l.Sample.Verdict == analysis.Failed && !g.DryRun && failed == "" {
				failed = c.why("failed", l.Sample.Text)
			}
			continue
		}
		m := c.add(g, l)
		gap := c.gap(m, g, l.Sample)
		switch {
		case g.DryRun:
		case c.failsJob(m, g, l.Sample) && failed == "":
			failed = c.why("failed", g.Name()+": "+l.Sample.Text)
		case gap != "" && unclear == "":
			unclear = c.why("is inconclusive", g.Name()+": "+gap)
		}
	}
	return failed, unclear
}

// failsJob reports whether a look fails its job. Without a bake the failures that
// may be were looked past already.
func (c checks) failsJob(m *Measure, g Gate, s analysis.Sample) bool {
	return s.Verdict == analysis.Failed && (!c.bake() || m.Failed > g.Pace().Failures)
}

// gap says why a look is for a person to decide: it says so itself, or nothing was
// seen for longer than twice the interval, be it that nobody looked or that there
// was nothing to see. What happened then nobody knows, and no later look tells.
func (c checks) gap(m *Measure, g Gate, s analysis.Sample) string {
	if !c.bake() {
		if s.Verdict.Conclusive() {
			return ""
		}
		return s.Text
	}
	since := m.Told
	if since.IsZero() {
		since = c.Times[analysisKey(c.phase)]
	}
	told := s.Verdict.Conclusive() || s.Early
	if told {
		m.Told = s.At
	}
	interval := g.Pace().Over().Std()
	switch {
	case s.Verdict == analysis.Inconclusive && s.Decide:
		return s.Text
	case s.At.Sub(since) <= 2*interval:
		return ""
	case told:
		return fmt.Sprintf("nobody looked for %s, more than twice the interval %s", s.At.Sub(since).Truncate(time.Second), interval)
	default:
		return fmt.Sprintf("nothing was seen for %s, more than twice the interval %s; last: %s", s.At.Sub(since).Truncate(time.Second), interval, s.Text)
	}
}

// why is a verdict in words.
func (c checks) why(verdict, text string) string {
	if c.phase == "" {
		return fmt.Sprintf("%s %s: %s", c.job, verdict, text)
	}
	return fmt.Sprintf("%s %s in %s: %s", c.job, verdict, c.phase, text)
}
