package rollout

// Actor is who does something. Person: workflow_dispatch, repository_dispatch
// or release by one, or a terminal; everything else is automation.
type Actor struct {
	Login     string
	Person    bool
	RunURL    string
	Reason    string
	Overrides []string // ids of blocks that this run passes
}

// Voter is who says something about an approval.
type Voter struct {
	Actor
	Verified  bool     // GitHub said who it is
	Teams     []string // "@org/team" of the approvers whose member it is
	Approvers []string // the file's on an allowed ref now; nil where it names nobody any more: those recorded count
	Emergency bool     // a maintainer without being an approver: counts, and stays flagged until acknowledged
	Comment   string
	Review    *ReviewOf // their review on GitHub; nil for a word of their own
}
