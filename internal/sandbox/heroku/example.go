package heroku

import "sluice/internal/sandbox"

// Example implements sandbox.Exampler: a pipeline of a name has an app in staging and
// two in production.
func (e *Emulator) Example(names []string) []sandbox.Example {
	if len(names) != 1 {
		return nil
	}
	pipeline := names[0]
	app := func(stage, name string) sandbox.Example {
		return sandbox.Example{Stage: stage, Target: name, Config: map[string]string{"app": name, "pipeline": pipeline}}
	}
	return []sandbox.Example{app("staging", pipeline+"-staging"), app("production", pipeline+"-eu"), app("production", pipeline+"-us")}
}
