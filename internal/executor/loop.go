package executor

import (
	"context"
	"time"

	"sluice/internal/ledger"
)

// shell does what the machine says: it saves, has workers do I/O, waits, and
// tells the machine what came of it. It is the one goroutine that owns the
// records.
type shell struct {
	Config
	machine *machine
	inbox   chan input
	over    chan struct{} // closed when nobody reads the inbox any more
}

// loop runs until the machine has nothing left to do. ctx is the invocation's;
// workers work under another one, which ends when nothing may begin any more.
func (s *shell) loop(ctx context.Context) {
	defer close(s.over)
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	interruption, graces := ctx.Done(), make(chan input, 2)
	for {
		r := s.machine.ready(s.Work.Now(), s.Ledger.MayBegin())
		s.notify(r.notices)
		s.save(r.save)
		for _, t := range r.tasks {
			s.Work.Begins()
			go s.work(working, t)
		}
		if r.done {
			return
		}
		alarm, silence := s.alarm(r.wake)
		s.Work.Ends() // whoever wakes it counts for it
		select {
		case in := <-s.inbox:
			s.step(in)
		case in := <-graces:
			s.step(in)
		case err := <-s.Ledger.Lost():
			s.Work.Begins()
			stop(err)
			s.step(leaseLost{err})
		case <-interruption:
			s.Work.Begins()
			interruption = nil
			s.step(interrupted{context.Cause(ctx)})
			s.grace(graces)
		case <-alarm:
		}
		silence()
	}
}

// step tells the machine what happened, and everything else that has: what comes
// together is decided together.
func (s *shell) step(in input) {
	for {
		s.machine.step(in, s.Work.Now())
		select {
		case in = <-s.inbox:
			s.Work.Ends() // this goroutine counts once
		default:
			return
		}
	}
}

// work does a task and tells what came of it: who hears of it counts for it then.
func (s *shell) work(ctx context.Context, t task) { s.send(t.do(ctx, s)) }

// send hands over what happened, and what counted for it.
func (s *shell) send(in input) {
	select {
	case s.inbox <- in:
	case <-s.over:
		s.Work.Ends()
	}
}

// save hands sets over, and tells when they are durable.
func (s *shell) save(sets []*set) {
	if len(sets) == 0 {
		return
	}
	payloads := make([][]ledger.Row, len(sets))
	for i, x := range sets {
		payloads[i] = x.payload
	}
	channels := s.Ledger.SaveSets(payloads...)
	handedOver(sets)
	s.Work.Begins()
	go func() {
		defer s.Work.Ends()
		for i, c := range channels {
			in := saved{sets[i], <-c}
			s.Work.Begins()
			s.send(in)
		}
	}()
}

// alarm fires at a time; zero is never.
func (s *shell) alarm(at time.Time) (<-chan time.Time, func()) {
	if at.IsZero() {
		return nil, func() {}
	}
	return s.Work.After(max(0, at.Sub(s.Work.Now())))
}

// grace tells when requests under way, and saving, have had their time after an
// interruption.
func (s *shell) grace(to chan<- input) {
	at, _ := s.Work.Interrupted()
	if at.IsZero() {
		at = s.Work.Now()
	}
	for _, g := range []struct {
		last time.Duration
		in   input
	}{{s.Work.Answers, answersOver{}}, {s.Work.Saves, savesOver{}}} {
		passed, stop := s.Work.After(g.last - s.Work.Now().Sub(at))
		go func() {
			defer stop()
			select {
			case <-passed:
				to <- g.in // who hears of it counts for it
			case <-s.over:
			}
		}()
	}
}

func (s *shell) notify(list []Notice) {
	if s.Notify == nil {
		return
	}
	for _, n := range list {
		s.Notify(n)
	}
}

// tell passes on what a worker has to say.
func (s *shell) tell(n Notice) {
	s.Work.Begins()
	s.send(toldOf{n})
}
