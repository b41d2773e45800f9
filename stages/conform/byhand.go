package conform

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/stages/driver"
)

// byHand: what Begin sends is told as commands of the vendor's own client too,
// which a shell can read and which show no credential.
func (b *Bench) byHand(p driver.Prepared) {
	b.Helper()
	if len(p.Commands) == 0 {
		b.Errorf("%s cannot be done by hand: no command tells how", p.Call.Kind)
	}
	for _, line := range p.Commands {
		if out, err := exec.CommandContext(b.Context(), "sh", "-n", "-c", line).CombinedOutput(); err != nil {
			b.Errorf("a shell cannot read %s: %v %s", line, err, out)
		}
		for _, secret := range b.Facts.Secrets {
			if value := b.Env[secret]; value != "" && strings.Contains(line, value) {
				b.Errorf("%s shows the value of %s", line, secret)
			}
		}
	}
}

// doneByHand runs the commands with the vendors' own clients, where the
// end-to-end tests are asked for (SLUICE_E2E): they have the one effect.
func doneByHand(b *Bench, kind driver.Kind) {
	if os.Getenv("SLUICE_E2E") == "" {
		b.Skip("only with SLUICE_E2E")
	}
	if b.OutOfReach != "" {
		b.Skip(b.OutOfReach)
	}
	p := b.Prepare(b.Bring(kind))
	for _, line := range p.Commands {
		if program, _, _ := strings.Cut(line, " "); !has(program) {
			b.Skipf("no %s", program)
		}
	}
	b.effects(1, func() {
		before := b.Effects()
		for _, line := range p.Commands {
			b.shell(line, func() bool { return b.Effects() > before })
		}
	})
	if verdict, _, err := b.place(b.Target()).Lookup(b.Context(), p.Call); !kind.IsCommand() && (err != nil || verdict == driver.Absent) {
		b.Errorf("%s %v: the driver does not know what was done by hand", verdict, err)
	}
}

func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// shell runs a line as a person would, with the platform's address and a home
// that holds the credentials. A client that waits for what the platform's clock
// would bring is stopped once the effect is there.
func (b *Bench) shell(line string, effective func() bool) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", "exec "+line)
	cmd.Env, cmd.WaitDelay = b.atHome(), time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	b.Must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for look := time.Tick(50 * time.Millisecond); ; {
		select {
		case err := <-ended:
			if err != nil {
				b.Fatalf("%s\n%v\n%s", line, err, out.String())
			}
			return
		case <-look:
			if effective() {
				cancel()
				<-ended //nolint:errcheck // it was stopped
				return
			}
		}
	}
}

// atHome is the environment of a person's shell.
func (b *Bench) atHome() []string {
	home := b.TempDir()
	token := filepath.Join(home, "token")
	b.Must(os.WriteFile(token, []byte("token"), 0o600))
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasSuffix(variable, "=") })
	env = append(env, "HOME="+home, "CLOUDSDK_CONFIG="+home, "CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE="+token)
	for name, value := range b.Env {
		if value == "" {
			continue
		}
		env = append(env, name+"="+value)
		if u, err := url.Parse(value); err == nil && u.Hostname() != "" {
			b.Must(os.WriteFile(filepath.Join(home, ".netrc"), []byte("machine "+u.Hostname()+" login anybody password token\n"), 0o600))
		}
	}
	return env
}
