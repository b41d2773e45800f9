// Package environment is what a command may know of the variables that its process was
// started with: what this process adds to them, what leads to the emulators in their
// place, and which of it nobody may be shown.
package environment

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Environment is that of one invocation. It is not safe for concurrent use while it is
// changed; what reads it may do so side by side afterwards.
type Environment struct {
	started     []string          // as [os.Environ] has it
	credentials []string          // the variables that hold them
	added       map[string]string // by this process
	sandbox     map[string]string // what leads to the emulators; nil where nothing does
}

// New is the environment of a process that was started with these variables, as
// [os.Environ] has them. Of the credentials white space around the value is no part:
// they are pasted with their line break, more often than not.
func New(started, credentials []string) *Environment {
	return &Environment{started: started, credentials: credentials, added: map[string]string{}}
}

// Get is a variable's value, with what leads to the emulators; "" where it is not set.
func (e *Environment) Get(name string) string {
	if v, ok := e.sandbox[name]; ok {
		return v
	}
	return e.Own(name)
}

// Own is a variable's value without what leads to the emulators: the user's.
func (e *Environment) Own(name string) string {
	if v, ok := e.added[name]; ok {
		return v
	}
	value := lookup(e.started, name)
	if slices.Contains(e.credentials, name) {
		value = strings.TrimSpace(value)
	}
	return value
}

// Add sets a variable for this process; nobody else gets to see it.
func (e *Environment) Add(name, value string) { e.added[name] = value }

// Lead has platforms and checks reach the emulators, whose variables these are.
func (e *Environment) Lead(sandbox map[string]string) { e.sandbox = sandbox }

// Led reports whether platforms and checks are led to the emulators.
func (e *Environment) Led() bool { return e.sandbox != nil }

// Imitated reports whether a value is one that the emulators hand out: no secret of
// anybody's.
func (e *Environment) Imitated(value string) bool {
	return slices.Contains(slices.Collect(maps.Values(e.sandbox)), value)
}

// Unattended reports whether the environment says that nobody is there, as the systems
// that run jobs do.
func (e *Environment) Unattended() bool {
	ci := e.Get("CI")
	return ci != "" && ci != "false" && ci != "0"
}

// OfPrograms are the variables that programs of the user's get: those that this process
// was started with, without the runner's own tokens, and what leads to the emulators.
func (e *Environment) OfPrograms() []string {
	environ := slices.DeleteFunc(slices.Clone(e.started), func(kv string) bool {
		return strings.HasPrefix(kv, "ACTIONS_RUNTIME_TOKEN=") || strings.HasPrefix(kv, "INPUT_TOKEN=")
	})
	for _, name := range slices.Sorted(maps.Keys(e.sandbox)) {
		environ = append(environ, name+"="+e.sandbox[name])
	}
	return environ
}

// Secrets are all that nobody may be shown: the credentials, the passwords that programs
// find in the user's netrc file, and those within addresses.
func (e *Environment) Secrets() []string {
	values := make([]string, len(e.credentials))
	for i, name := range e.credentials {
		values[i] = e.Get(name)
	}
	return slices.Concat(values, netrcPasswords(e.Get), addressPasswords(e.started))
}

// addressPasswords are the passwords within addresses that variables have:
// https://user:password@host.
func addressPasswords(environ []string) []string {
	var passwords []string
	for _, variable := range environ {
		_, value, _ := strings.Cut(variable, "=")
		address, err := url.Parse(value)
		if err != nil || address.User == nil || address.Host == "" {
			continue
		}
		if password, has := address.User.Password(); has {
			passwords = append(passwords, password)
		}
	}
	return passwords
}

// lookup reads a variable from an environment; the last one counts.
func lookup(environ []string, name string) string {
	value := ""
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			value = v
		}
	}
	return value
}
