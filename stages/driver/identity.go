package driver

import (
	"encoding/json"
	"sync"
)

// Identity is how the pipeline file may name who asks a platform, in the place of
// whom the environment has. Platforms of one vendor have the same.
type Identity struct {
	Name string // the key under `identity`, such as the vendor's; "" where nobody can be named
	Keys []Key  // what it says; a key with Variable names a variable that holds a credential
}

// Anywhere is what an identity was declared with, without what means something on one
// machine alone; nil where nothing is left.
func (i Identity) Anywhere(declared json.RawMessage) json.RawMessage {
	var keys map[string]json.RawMessage
	if json.Unmarshal(declared, &keys) != nil {
		return nil
	}
	for _, k := range i.Keys {
		if k.Local {
			delete(keys, k.Name)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	left, err := json.Marshal(keys)
	if err != nil {
		return nil // it was read as JSON
	}
	return left
}

// Permission is what a platform's API is asked, as the vendor names it where access is
// given, such as "ecs:UpdateService".
type Permission struct {
	Name    string
	Changes bool // it is needed to change something; else to read
	Testers bool // it is needed only where testers are led to a release by a header
}

// Sessions are what clients of one process have in common, so that who they ask as is
// asked for once: credentials by identity. The zero value is ready; nil has nothing in
// common. It is safe for concurrent use.
type Sessions struct {
	mu   sync.Mutex
	made map[string]any
}

// Once is what fresh made for the key, the first time.
func (s *Sessions) Once(key string, fresh func() any) any {
	if s == nil {
		return fresh()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made == nil {
		s.made = map[string]any{}
	}
	if s.made[key] == nil {
		s.made[key] = fresh()
	}
	return s.made[key]
}

// As reads the keys that an identity was declared with into a T of the driver's. None
// declared is the zero T.
func As[T any](declared json.RawMessage) (T, error) {
	var v T
	if len(declared) == 0 {
		return v, nil
	}
	return v, json.Unmarshal(declared, &v)
}
