package driver

import (
	"errors"
	"fmt"
	"strings"
)

// TokenIdentity is the identity of a platform that is asked with a single key: the
// variable that holds it. name is the key under `identity`.
func TokenIdentity(name string) Identity {
	return Identity{Name: name, Keys: []Key{{
		Name: "tokenEnv", Type: String, Required: true, Variable: true,
		Pattern: `[A-Za-z_][A-Za-z0-9_]*`, Hint: "the name of an environment variable, such as DEPLOY_TOKEN",
		Doc: "The environment variable that holds the key, in the place of the platform's own.",
	}}}
}

// Token is the key that a [TokenIdentity] leads to: the value of the variable that the
// identity names, else of the platform's own, own. What is wrong with it is an
// [*OpenError]; remedy is the platform's.
func (e Env) Token(own, remedy string) (string, error) {
	named, err := As[struct {
		TokenEnv string `json:"tokenEnv"`
	}](e.Identity)
	if err != nil {
		return "", &OpenError{Explanation: Explanation{Code: Invalid}, Err: fmt.Errorf("identity: %w", err)}
	}
	name := own
	if named.TokenEnv != "" {
		name, remedy = named.TokenEnv, "set "+named.TokenEnv+", which the target's identity names, in the job's environment"
	}
	value := ""
	if e.Getenv != nil {
		value = strings.TrimSpace(e.Getenv(name))
	}
	if value == "" {
		return "", &OpenError{Explanation: Explanation{Code: Denied, Remedy: remedy}, Err: errors.New(name + " is not set")}
	}
	e.Keep(value)
	return value, nil
}
