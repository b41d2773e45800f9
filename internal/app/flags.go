package app

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/pipeline"
)

// flags are all flags of all commands. Each is also an input of the same name
// and SLUICE_<FLAG> in the environment.
type flags struct {
	rehearsing
	files         []string
	places        []string // words of the command line that name stages or targets
	store         string
	waitBudget    time.Duration
	inlineWait    time.Duration
	concurrency   int // 0 where it was not given
	output        string
	leaseWait     time.Duration
	failOnPending bool
	debug         bool
	sandbox       bool
	sandboxFaults []string

	to             string
	toStore        string // of state migrate
	from           string
	stage          string
	targets        []string
	components     []string
	release        string
	promotion      string
	phase          string
	job            string
	comment        string
	reason         string
	disable        bool
	allowOlder     bool
	skipStages     bool
	acceptDrift    bool
	afterManual    bool
	jump           string
	startingPhase  string
	replace        bool
	bothWays       bool
	all            bool
	watch          bool
	rollout        string
	eventType      string
	of             string // a promotion
	emergency      bool
	by             string
	since          string
	last           int
	override       []string // blocks, by id, and policies, by name
	overridePolicy []string // the older name
	description    string
	labels         []string
	annotations    []string
	listen         string
	matrix         bool
	shards         int
	shard          string
	out            string // the folder of a report, or of what init writes
	overwrite      bool   // files that are there already
	noWorkflows    bool
	trial          string // of conform
}

// list is a flag of several values, separated by commas or newlines.
type list struct{ values *[]string }

// Set adds the values of one occurrence.
func (l list) Set(text string) error {
	for _, v := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if v = strings.TrimSpace(v); v != "" {
			*l.values = append(*l.values, v)
		}
	}
	return nil
}

// String is the list as it could be given.
func (l list) String() string {
	if l.values == nil {
		return ""
	}
	return strings.Join(*l.values, ",")
}

// Type names the type in the help.
func (l list) Type() string { return "list" }

// lines is a flag of several values, one a line: commas are part of them.
type lines struct{ list }

// Set adds the values of one occurrence.
func (l lines) Set(text string) error {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			*l.values = append(*l.values, line)
		}
	}
	return nil
}

// global adds the flags that every command has.
func (f *flags) global(s *pflag.FlagSet) {
	s.VarP(lines{list{&f.files}}, "file", "f", "pipeline `file`, - for standard input; several for reconcile, status and validate (default sluice.yaml, else .github/sluice.yaml)")
	s.StringVar(&f.store, "store", "", "where state is kept, instead of what the pipeline file says: artifact, git, s3://bucket/prefix, file:DIR")
	s.DurationVar(&f.waitBudget, "wait-budget", 15*time.Minute, "how long one invocation may take before it saves and exits pending")
	s.DurationVar(&f.inlineWait, "inline-wait", 2*time.Minute, "how long a bake or window is waited for in process")
	s.Func("concurrency", "how many `targets` are worked on at once (default 8, and 64 where a stage has waves)", f.readConcurrency)
	s.DurationVar(&f.leaseWait, "lease-wait", 5*time.Minute, "how long what goes back waits for a run at work on a target to let go of it")
	s.StringVarP(&f.output, "output", "o", "text", "text, or json for one document on standard output")
	s.BoolVar(&f.failOnPending, "fail-on-pending", false, "exit 3 instead of 0 where something is still pending")
	s.BoolVar(&f.debug, "debug", false, "log every request, without its secrets")
	s.BoolVar(&f.sandbox, "sandbox", false, "rehearse against emulators in this process, seeded from the pipeline file, kept in "+sandboxDir)
	s.Var(list{&f.sandboxFaults}, "sandbox-fault", "what goes wrong in the sandbox, `TARGET:STEP:KIND`")
}

func (f *flags) selection(s *pflag.FlagSet) {
	s.StringVar(&f.stage, "stage", "", "the targets of this stage")
	s.Var(list{&f.targets}, "target", "these targets")
}

func (f *flags) why(s *pflag.FlagSet) {
	s.StringVar(&f.reason, "reason", "", "why; it is recorded")
}

func (f *flags) ofPromotion(s *pflag.FlagSet) {
	s.StringVar(&f.promotion, "promotion", "", "the rollouts of this promotion")
}

func (f *flags) ofPhase(s *pflag.FlagSet) {
	s.StringVar(&f.phase, "phase", "", "the phase (default the only one that qualifies)")
}

func (f *flags) ofJob(s *pflag.FlagSet) {
	s.StringVar(&f.job, "job", "", "the job (default the only one that qualifies)")
}

func (f *flags) promoting(s *pflag.FlagSet) {
	s.StringVar(&f.to, "to", "", "the `stage` to promote to")
	s.StringVar(&f.from, "from", "", "the `stage` to promote from (default the one before)")
	s.Var(list{&f.targets}, "target", "only these targets of the stage")
	s.Var(list{&f.components}, "component", "only these components")
	s.StringVar(&f.release, "release", "", "the release to promote; needed for a pipeline's first stage")
	s.StringVar(&f.of, "of", "", "promote what this `promotion` brought, component by component")
	s.BoolVar(&f.allowOlder, "allow-older", false, "promote a release older than the one being rolled out")
	s.BoolVar(&f.skipStages, "skip-stages", false, "hot fix: promote past stages that the release has not passed; needs --reason")
	s.StringVar(&f.startingPhase, "starting-phase", "", "begin at this `phase`; those before it are skipped")
	s.BoolVar(&f.replace, "replace", false, "end what is being rolled out on the targets, and start from what stands")
	s.BoolVar(&f.acceptDrift, "accept-drift", false, "promote what the source runs although its record says otherwise")
	f.why(s)
	f.options(s)
}

func (f *flags) options(s *pflag.FlagSet) {
	f.passing(s)
	s.StringVar(&f.description, "description", "", "description of the rollouts, at most 255 characters")
	s.Var(list{&f.labels}, "label", "labels of the rollouts, `key=value`")
	s.Var(list{&f.annotations}, "annotation", "annotations of the rollouts, `key=value`")
}

// passing adds what passes blocks. It is said for one run: neither is read from
// the environment.
func (f *flags) passing(s *pflag.FlagSet) {
	s.Var(list{&f.override}, "override", "pass these blocks, by their id, and these policies, by their name; needs --reason")
	s.Var(list{&f.overridePolicy}, "override-policy", "an older name of --override")
}

// overrides are the blocks and policies that this run passes.
func (f *flags) overrides() []string { return slices.Concat(f.override, f.overridePolicy) }

// bind fills the flags that the command line left out: from the input of the
// same name, else from the environment. An empty input is unset. Older names are
// for command lines alone.
func bind(cmd *cobra.Command, input, getenv func(string) string) error {
	var first error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Hidden || first != nil || f.Name == "help" || f.Name == "version" {
			return
		}
		env := "SLUICE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, from := input(f.Name), "input "+f.Name
		if value == "" && !strings.HasPrefix(f.Name, "override") {
			value, from = getenv(env), env
		}
		if value == "" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			first = usage(fmt.Errorf("%s: %q is not valid: %w", from, value, err))
		}
	})
	return first
}

// readConcurrency takes --concurrency from its text.
func (f *flags) readConcurrency(text string) (err error) {
	if f.concurrency, err = strconv.Atoi(text); err != nil || f.concurrency < 1 {
		return fmt.Errorf("%q is no number of targets; use 1 or more", text)
	}
	return nil
}

// check holds the values of flags against what they may be.
func (f *flags) check() error {
	if f.output != "text" && f.output != "json" {
		return usage(fmt.Errorf("--output is %q; use text or json", f.output))
	}
	if f.waitBudget < 0 || f.inlineWait < 0 || f.leaseWait < 0 {
		return usage(fmt.Errorf("--wait-budget, --inline-wait and --lease-wait cannot be negative"))
	}
	if (f.skipStages || len(f.overrides()) > 0) && f.reason == "" {
		return usage(fmt.Errorf("--skip-stages and --override need --reason: it is recorded"))
	}
	return f.checkOptions()
}

// maxDescription is Cloud Deploy's limit, in characters.
const maxDescription = 255

func (f *flags) checkOptions() error {
	if len([]rune(f.description)) > maxDescription {
		return usage(fmt.Errorf("--description has %d characters; at most %d are allowed", len([]rune(f.description)), maxDescription))
	}
	labels, err := pairs("--label", f.labels)
	if err != nil {
		return err
	}
	if len(labels) > pipeline.MaxLabels {
		return usage(fmt.Errorf("--label: %d labels; at most %d are allowed", len(labels), pipeline.MaxLabels))
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if err := pipeline.CheckLabel(key, labels[key]); err != nil {
			return usage(fmt.Errorf("--label %s=%s: %w", key, labels[key], err))
		}
	}
	annotations, err := pairs("--annotation", f.annotations)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if err := pipeline.CheckAnnotation(key); err != nil {
			return usage(fmt.Errorf("--annotation %s: %w", key, err))
		}
	}
	return nil
}

// pairs reads key=value words.
func pairs(flag string, words []string) (map[string]string, error) {
	if len(words) == 0 {
		return nil, nil
	}
	m := map[string]string{}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return nil, usage(fmt.Errorf("%s %q: write key=value", flag, word))
		}
		m[key] = value
	}
	return m, nil
}
