package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"sluice/internal/actions/artifact/artifacttest"
)

// vendorClient is a vendor's own client and how it is run from the folder clients. Without
// the programs that it needs it is passed over; where optional, also in .ci/run.
type vendorClient struct {
	name     string
	argv     []string
	needs    []string // programs
	optional bool
}

func vendorClients() []vendorClient {
	return []vendorClient{
		{"aws CLI", []string{"bash", "aws.sh"}, []string{"aws", "jq"}, false},
		{"boto3", []string{"python3", "boto.py"}, []string{"python3", "boto3"}, true},
		{"AWS SDK for JavaScript", []string{"node", "--no-warnings", "aws-sdk.mjs"}, []string{"node"}, false},
		{"heroku CLI", []string{"bash", "heroku.sh"}, []string{"heroku", "jq"}, false},
		{"heroku-client", []string{"node", "heroku-client.mjs"}, []string{"node"}, false},
		{"curl -n", []string{"bash", "curl.sh"}, []string{"curl", "jq"}, false},
		{"gcloud", []string{"bash", "gcloud.sh"}, []string{"gcloud", "jq"}, true},
		{"Google's for Go", []string{"./google"}, nil, false},
		{"ec.sdk", []string{"node", "ec-sdk.mjs"}, []string{"node"}, false},
		{"@actions/artifact", []string{"node", "actions.mjs"}, []string{"node"}, false},
	}
}

// told is what a client told of a call.
type told struct{ client, call, verdict, why string }

// TestClients: the vendors' own clients work against the sandbox. What an emulator does
// not serve it refuses in plain words; nothing differs from what the client expects.
func TestClients(t *testing.T) {
	t.Parallel()
	needVar(t, "CLIENTS_MODULES") // `make clients` sets it, and .ci/run
	calls := make([][]told, len(vendorClients()))
	t.Cleanup(func() { t.Logf("\n%s", tableOf(slices.Concat(calls...))) }) // when all of them are done
	for i, c := range vendorClients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.need(t)
			calls[i] = c.run(t)
			if !slices.ContainsFunc(calls[i], func(one told) bool { return one.verdict == "WORKS" }) {
				t.Errorf("none of its %d calls works", len(calls[i]))
			}
			for _, one := range calls[i] {
				if one.verdict != "WORKS" && one.verdict != "REFUSED" {
					t.Errorf("%s: %s: %s", one.call, one.verdict, one.why)
				}
			}
		})
	}
}

// need skips the test where something is missing that the client needs.
func (c vendorClient) need(t *testing.T) {
	t.Helper()
	for _, what := range c.needs {
		missing := ""
		switch what {
		case "boto3":
			if exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run() != nil {
				missing = "python3 has no boto3"
			}
		default:
			if _, err := exec.LookPath(what); err != nil {
				missing = what + " is not installed"
			}
		}
		if missing != "" && c.optional {
			t.Skip(missing)
		}
		if missing != "" {
			lack(t, missing)
		}
	}
}

// run has the client speak to a sandbox of its own.
func (c vendorClient) run(t *testing.T) []told {
	t.Helper()
	argv := slices.Clone(c.argv)
	if argv[0] == "./google" {
		argv[0] = filepath.Join(os.Getenv("CLIENTS_MODULES"), "google")
	}
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = "clients", environ(c.environment(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(argv, " "), err, stderr.Bytes())
	}
	var calls []told
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		verdict, rest, _ := strings.Cut(lines.Text(), "\t")
		call, why, ok := strings.Cut(rest, "\t")
		if !ok {
			t.Errorf("it printed %q, want verdict, call and why", lines.Text())
		}
		calls = append(calls, told{c.name, call, verdict, why})
	}
	return calls
}

func (c vendorClient) environment(t *testing.T) map[string]string {
	t.Helper()
	if c.name != "@actions/artifact" {
		return startSandbox(t, "testdata/clients/sluice.yaml", "HEROKU_HOST")
	}
	service := artifacttest.New()
	service.Serve(t)
	value := service.Getenv(artifacttest.Run{ID: 1})
	env := map[string]string{"GITHUB_WORKSPACE": t.TempDir(), "GITHUB_SERVER_URL": "https://github.com"}
	for _, name := range []string{"ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN", "GITHUB_RUN_ID", "GITHUB_REPOSITORY"} {
		env[name] = value(name)
	}
	return env
}

// tableOf are the calls by client, and how many of each verdict there are.
func tableOf(all []told) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLIENT\tCALL\tVERDICT")
	counts := map[string]int{}
	for _, one := range all {
		counts[one.verdict]++
		fmt.Fprintf(w, "%s\t%s\t%s\n", one.client, one.call, strings.ToLower(one.verdict))
	}
	fmt.Fprintf(w, "all\t%d calls\t%d work, %d are refused, %d differ\n", len(all), counts["WORKS"], counts["REFUSED"], counts["DIFFERS"])
	if err := w.Flush(); err != nil {
		return err.Error()
	}
	return text.String()
}
