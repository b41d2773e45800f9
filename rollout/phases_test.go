package rollout

import "testing"

// TestAdvanceByPhase: the phase must be PENDING and not the first, the one
// before it SUCCEEDED or SKIPPED.
func TestAdvanceByPhase(t *testing.T) {
	for _, c := range []struct {
		name   string
		states []PhaseState // canary-10, canary-50, stable
		phase  string
		refuse string
	}{
		{"the next", []PhaseState{PhaseSucceeded, PhasePending, PhasePending}, "", ""},
		{"the next by name", []PhaseState{PhaseSucceeded, PhasePending, PhasePending}, "canary-50", ""},
		{"after skipped ones", []PhaseState{PhaseSkipped, PhaseSkipped, PhasePending}, "stable", ""},
		{"one too far", []PhaseState{PhaseSucceeded, PhasePending, PhasePending}, "stable", "phase stable waits for phase canary-50, which is PENDING"},
		{"while the one before runs", []PhaseState{PhaseInProgress, PhasePending, PhasePending}, "", "phase canary-10 is IN_PROGRESS; only a phase that is PENDING can be started"},
		{"while the one before runs, by name", []PhaseState{PhaseInProgress, PhasePending, PhasePending}, "canary-50", "phase canary-50 waits for phase canary-10, which is IN_PROGRESS"},
		{"the first", []PhaseState{PhasePending, PhasePending, PhasePending}, "canary-10", "its first phase starts by itself"},
		{"one that is over", []PhaseState{PhaseSucceeded, PhasePending, PhasePending}, "canary-10", "phase canary-10 is SUCCEEDED"},
		{"one that was skipped", []PhaseState{PhaseSkipped, PhasePending, PhasePending}, "canary-10", "phase canary-10 is SKIPPED"},
		{"one that failed", []PhaseState{PhaseFailed, PhaseAborted, PhaseAborted}, "canary-10", "phase canary-10 is FAILED"},
		{"one that was aborted", []PhaseState{PhaseFailed, PhaseAborted, PhaseAborted}, "stable", "phase stable is ABORTED"},
		{"after a failed one", []PhaseState{PhaseFailed, PhaseAborted, PhaseAborted}, "", "phase canary-10 is FAILED"},
		{"when all are over", []PhaseState{PhaseSucceeded, PhaseSucceeded, PhaseSucceeded}, "", "no phase is left"},
		{"one that is not there", []PhaseState{PhaseSucceeded, PhasePending, PhasePending}, "canary-99", `no phase "canary-99"; its phases are canary-10, canary-50, stable`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newRig(t)
			e := s.start(canary("10", "50"))
			for i, state := range c.states {
				e.Rollout.Phases[i].State = state
			}
			err := s.apply(Advance{Rollout: e.Rollout.Name, Phase: c.phase, By: person("bob")})
			if c.refuse != "" {
				s.wantRefusal(err, "IN_PROGRESS", c.refuse)
				return
			}
			s.must(err)
			s.want("started", e.Rollout.Phases[map[string]int{"": 1, "canary-50": 1, "stable": 2}[c.phase]].State, PhaseInProgress)
		})
	}
}

// TestRetryAndIgnoreByJob: only a failed job can be retried or ignored.
func TestRetryAndIgnoreByJob(t *testing.T) {
	for _, state := range []JobState{JobPending, JobDisabled, JobInProgress, JobSucceeded, JobFailed, JobAborted, JobSkipped, JobIgnored} {
		for name, do := range map[string]func(*rig, *Execution, string) error{
			"retry-job": func(s *rig, e *Execution, phase string) error {
				return s.apply(RetryJob{Rollout: e.Rollout.Name, Phase: phase, Job: "verify", By: person("bob")})
			},
			"ignore-job": func(s *rig, e *Execution, phase string) error {
				return s.apply(IgnoreJob{Rollout: e.Rollout.Name, Phase: phase, Job: "verify", By: person("bob")})
			},
		} {
			t.Run(name+" of "+string(state), func(t *testing.T) {
				s, e := failedAt(t, "canary-10/verify", holds)
				e.Rollout.Phases[0].DeploymentJobs.VerifyJob.State = state
				err := do(s, e, "canary-10")
				if state == JobFailed {
					s.must(err)
					return
				}
				s.wantRefusal(err, "FAILED", "no job canary-10/verify is FAILED")
			})
		}
	}
}

func TestSeveralFailedJobs(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify", holds)
	e.Rollout.Phases[1].DeploymentJobs.VerifyJob.State = JobFailed
	s.wantRefusal(s.apply(RetryJob{Rollout: e.Rollout.Name, Job: "verify", By: person("bob")}), "FAILED", "several jobs qualify: canary-10/verify, canary-50/verify; name one")
	s.must(s.apply(RetryJob{Rollout: e.Rollout.Name, Phase: "canary-10", By: person("bob")}))
}

func TestRetryBesideANewerRollout(t *testing.T) {
	s, e := failedAt(t, "canary-10/verify")
	name := e.Rollout.Name
	s.script["stable/predeploy"] = []string{"interrupted"}
	s.start(release("r3"), promotion("p2"), gated(JobPredeploy))
	s.wantRefusal(s.apply(RetryJob{Rollout: s.rollout(name).Rollout.Name, By: person("bob")}), "FAILED", "r3-to-web-0001, is at work on the target: it is IN_PROGRESS")

	s, e = failedAt(t, "canary-10/verify")
	name = e.Rollout.Name
	waiting := s.start(release("r3"), promotion("p2"), approved(ApprovalSpec{Quorum: 1})).Rollout.Name
	s.must(s.apply(RetryJob{Rollout: s.rollout(name).Rollout.Name, By: person("bob")}))
	s.run()
	s.want("it goes on", s.rollout(name).Rollout.State, StateInProgress)
	s.want("the newer waits", s.rollout(waiting).Rollout.State, StatePendingApproval)
}
