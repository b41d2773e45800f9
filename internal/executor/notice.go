package executor

import (
	"time"

	"sluice/analysis"
	"sluice/rollout"
	"sluice/stages/driver"
)

// NoticeKind says what a notice tells.
type NoticeKind string

// What notices tell; which fields of [Notice] are set beside Target.
const (
	NoticeEvent    NoticeKind = "event"    // Event: a line of the target's history is durable
	NoticeDeed     NoticeKind = "deed"     // Deed: something has ended, and that is durable; where [Config.Deeds] asks for it
	NoticeWaiting  NoticeKind = "waiting"  // Waiting: it waits, and is waited for here
	NoticeRetry    NoticeKind = "retry"    // Err, At: the platform did nothing; the effect is prepared anew at At
	NoticeNoAnswer NoticeKind = "noAnswer" // Err: nobody knows what the effect did; it is looked up
	NoticeFound    NoticeKind = "found"    // an effect without an answer had taken place
	NoticeAbsent   NoticeKind = "absent"   // an effect without an answer had not taken place, and is sent
	NoticeProgress NoticeKind = "progress" // Operation: how far it is
	NoticePoll     NoticeKind = "poll"     // At: the platform is asked again then how far it is
	NoticeNoPoll   NoticeKind = "noPoll"   // Err: the platform did not tell how far it is
	NoticeState    NoticeKind = "state"    // Text: the state of the platform's own rollout
	NoticeCheck    NoticeKind = "check"    // Phase, Job, Gate: a check begins
	NoticeLook     NoticeKind = "look"     // Phase, Job, Gate, Sample: what a check measured
	NoticeDryRun   NoticeKind = "dryRun"   // Job, Err: a check in dry run did not pass
	NoticeWarning  NoticeKind = "warning"  // Text: the platform warns, or Prepare found something to know
	NoticeLog      NoticeKind = "log"      // Title, Text, Operation: untrusted output, and what it is of where that is an effect
	NoticeLeft     NoticeKind = "left"     // Err: the promotion wants something of it that is left to the run which holds it
	NoticeOrder    NoticeKind = "order"    // Order: somebody ordered something
	NoticeAgain    NoticeKind = "again"    // an earlier attempt of the same step began this; it goes on
	NoticeDone     NoticeKind = "done"     // an earlier attempt of the same step did all of this
	NoticeChanged  NoticeKind = "changed"  // Text: the rollout that goes on, although the pipeline file has changed since it was created
	NoticeNote     NoticeKind = "note"     // Text: planning found something worth a line
	NoticeRows     NoticeKind = "rows"     // Count: so many targets are worked on
	NoticeWave     NoticeKind = "wave"     // Wave, Waves, Count: so many targets stand behind a wave that is over, from 1 on
	NoticeHeld     NoticeKind = "held"     // Err, At: another run holds targets; it is told to let go, and waited for until At
)

// Notice is one thing that people may want to see while it happens. Target is
// "" where it is about no one target.
type Notice struct {
	Target    string
	Kind      NoticeKind
	Event     *rollout.Event
	Deed      *rollout.Deed
	Waiting   *rollout.Waiting
	Operation *driver.Operation
	Order     *rollout.Order
	Gate      *rollout.Gate
	Sample    *analysis.Sample
	Phase     string
	Job       string
	Title     string
	Text      string
	Err       error
	At        time.Time
	Count     int
	Wave      int
	Waves     int
}
