package exec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/stages/driver"
	"sluice/stages/exec"
	"sluice/stages/stagetest"
)

// script is a program of a few lines of shell.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines), 0o700); err != nil { //nolint:gosec // it is to be started
		t.Fatal(err)
	}
	return path
}

// kept are the credentials that a driver told of.
type kept struct {
	mu     sync.Mutex
	values []string
}

func (k *kept) add(value string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.values = append(k.values, value)
}

func open(t *testing.T, k *kept, environ map[string]string) driver.Driver {
	t.Helper()
	d, err := exec.Open(t.Context(), driver.Env{
		Getenv: func(name string) string {
			if value, ok := environ[name]; ok {
				return value
			}
			return map[string]string{"PATH": os.Getenv("PATH"), "HOME": "/home/someone"}[name]
		},
		Secret: k.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// on is a target of a program, with more keys.
func on(program string, more map[string]any) driver.Target {
	config := map[string]any{"command": []string{program, "an argument"}, "resource": "shop"}
	for key, value := range more {
		config[key] = value
	}
	data, _ := json.Marshal(config) //nolint:errchkjson // plain data
	return driver.Target{Name: "web", Stage: "production", Platform: "exec", Config: data}
}

const runs = `printf '%s' '{"protocol": "sluice.exec/v1", "release": {"id": "r1"}, "state": 1}'`

// TestMisbehaves: what is no answer is none, and says which program, what it was asked and
// why. Nothing of it is believed, and a read may be asked again.
func TestMisbehaves(t *testing.T) {
	for name, tt := range map[string]struct {
		lines string
		code  driver.Code
		says  string
	}{
		"nothing":              {`true`, driver.Lost, "asked to live: it wrote nothing"},
		"garbage":              {`echo '<!doctype html>'`, driver.Lost, `no answer in JSON: invalid character '<' looking for beginning of value: it begins with "<!doctype html>`},
		"two answers":          {runs + `; echo '{}'`, driver.Lost, "no answer in JSON"},
		"another protocol":     {`echo '{"protocol": "sluice.exec/v2", "release": null, "state": 1}'`, driver.Lost, `has the protocol "sluice.exec/v2", and this is sluice.exec/v1`},
		"no release":           {`echo '{"protocol": "sluice.exec/v1", "state": 1}'`, driver.Lost, "no release: null says that nothing runs there"},
		"a release without id": {`echo '{"protocol": "sluice.exec/v1", "release": {}, "state": 1}'`, driver.Lost, "no id"},
		"no state":             {`echo '{"protocol": "sluice.exec/v1", "release": null}'`, driver.Lost, "no state"},
		"an exit code":         {runs + `; echo 'no cluster' >&2; exit 3`, driver.Lost, "asked to live: it ended with exit code 3: no cluster"},
		"killed":               {`kill -9 $$`, driver.Lost, "it ended with signal: killed"},
		"too much":             {`yes '                                                                ' & yes; wait`, driver.Lost, "it wrote more than 1024 KiB"},
		"an unknown code":      {`echo '{"protocol": "sluice.exec/v1", "error": {"code": "oops", "message": "x"}}'`, driver.Lost, `an error with the code "oops"`},
		"an error":             {`echo '{"protocol": "sluice.exec/v1", "error": {"code": "denied", "message": "who are you?", "requestId": "7"}}'; exit 9`, driver.Denied, "who are you?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, &kept{}, nil)
			program := script(t, "cat >/dev/null\n"+tt.lines)
			_, err := stagetest.Current(t.Context(), d, on(program, nil))
			x := d.Explain(err)
			if err == nil || x.Code != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v (%s), want %q (%s)", err, x.Code, tt.says, tt.code)
			}
			if tt.code == driver.Lost && !strings.HasPrefix(err.Error(), program) {
				t.Errorf("%v does not name the program", err)
			}
			if tt.code == driver.Denied && (x.RequestID != "7" || !strings.Contains(x.Remedy, "exec.secrets")) {
				t.Errorf("%+v", x)
			}
		})
	}
}

// TestHangs: a program that takes too long is ended, and what it started too.
func TestHangs(t *testing.T) {
	d, dir := open(t, &kept{}, nil), t.TempDir()
	program := script(t, `(sleep 3; touch `+dir+`/outlived) & sleep 60`)
	began := time.Now()
	_, err := stagetest.Current(t.Context(), d, on(program, map[string]any{"timeout": "1s"}))
	x := d.Explain(err)
	if err == nil || !strings.Contains(err.Error(), "gave no answer to live within 1s") || x.Code != driver.Lost || !strings.Contains(x.Remedy, "exec.timeout") {
		t.Errorf("%v %+v", err, x)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	time.Sleep(time.Until(began.Add(4 * time.Second)))
	if _, err := os.Stat(dir + "/outlived"); err == nil {
		t.Error("what the program started outlived it")
	}
}

// TestNotThere: nothing was started, and the message says where it was looked for.
func TestNotThere(t *testing.T) {
	d := open(t, &kept{}, nil)
	for _, program := range []string{"./no-such-program", "no-such-program"} {
		_, err := stagetest.Current(t.Context(), d, on(program, nil))
		if x := d.Explain(err); err == nil || x.Code != driver.Invalid || !strings.Contains(x.Remedy, "exec.command") || !strings.Contains(err.Error(), program) {
			t.Errorf("%v %+v", err, x)
		}
	}
}

// TestEnvironment: a program has what is named and what every program needs, nothing else,
// and its secrets are told of before it has them.
func TestEnvironment(t *testing.T) {
	told := filepath.Join(t.TempDir(), "told")
	program := script(t, `printf '%s\n' "$@" >`+told+`; env | sort >>`+told+"; "+runs)
	k := &kept{}
	d := open(t, k, map[string]string{"REGION": "ams", "FLY_API_TOKEN": "hunter2-and-more", "GITHUB_TOKEN": "not for it"})
	target := on(program, map[string]any{"environment": []string{"REGION", "UNSET"}, "secrets": []string{"FLY_API_TOKEN"}})
	if _, err := stagetest.Current(t.Context(), d, target); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if lines[0] != "an argument" {
		t.Errorf("arguments %q", lines[0])
	}
	want := []string{"FLY_API_TOKEN=hunter2-and-more", "HOME=/home/someone", "PATH=" + os.Getenv("PATH"), "REGION=ams", "UNSET="}
	for _, line := range lines[1:] {
		name, _, _ := strings.Cut(line, "=")
		if name == "PWD" || name == "_" || name == "SHLVL" || name == "OLDPWD" {
			continue // the shell's own
		}
		if len(want) == 0 || line != want[0] {
			t.Fatalf("it has %s, want %v", line, want)
		}
		want = want[1:]
	}
	if len(want) > 0 || len(k.values) != 1 || k.values[0] != "hunter2-and-more" {
		t.Errorf("it lacks %v; masked %v", want, k.values)
	}
}

// TestSaysDone: what a program calls done is believed when it shows, and no later than it
// may take to show.
func TestSaysDone(t *testing.T) {
	program := script(t, `case $(cat) in
  *'"operation":"describe"'*) echo '{"protocol": "sluice.exec/v1", "kinds": ["deploy", "rollback"], "settle": "0s"}' ;;
  *'"operation":"live"'*) `+runs+` ;;
  *) echo '{"protocol": "sluice.exec/v1", "status": "succeeded", "log": "all good"}' ;;
esac`)
	d, target := open(t, &kept{}, nil), on(program, nil)
	p, err := d.Prepare(t.Context(), driver.Call{Key: "k", Kind: driver.Deploy, Changes: []driver.Change{{Target: target, Release: driver.Release{ID: "r2"}}}})
	if err != nil {
		t.Fatal(err)
	}
	op, err := d.Begin(t.Context(), p.Call)
	if err != nil || op.Finished() {
		t.Fatalf("%+v, %v", op, err)
	}
	op.Call = p.Call
	op, _, err = d.Poll(t.Context(), op)
	r := op.Results["web"]
	if err != nil || r.Outcome != driver.Failed || r.Release.ID != "r1" || r.Log != "all good" || !strings.Contains(r.Errors[0].Message, "says that it is done, and the target has 100 % on r1") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestCannot: what a program cannot do is refused before any effect, in its own words.
func TestCannot(t *testing.T) {
	program := script(t, `case $(cat) in
  *'"operation":"describe"'*) echo '{"protocol": "sluice.exec/v1", "kinds": ["deploy", "rollback"]}' ;;
  *'"operation":"live"'*) `+runs+` ;;
  *) exit 1 ;;
esac`)
	d := open(t, &kept{}, nil)
	change := driver.Change{Target: on(program, nil), Release: driver.Release{ID: "r2"}, Percent: "10"}
	p, err := d.Prepare(t.Context(), driver.Call{Key: "k", Kind: driver.Weight, Changes: []driver.Change{change}})
	if err != nil || len(p.Findings) != 1 || p.Findings[0].Severity != driver.Refuse || !strings.Contains(p.Findings[0].Message, "cannot weight: it says that it can deploy, rollback") {
		t.Errorf("%+v, %v", p.Findings, err)
	}
}
