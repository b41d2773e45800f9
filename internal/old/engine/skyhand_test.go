package engine_test

import (
	"fmt"
	"slices"

	"sluice/stages/driver"
)

// put says what stands on a spot.
func (s *sky) put(name, release string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spots[name] = &spot{standing: standing{Release: release}}
}

// intrude changes a spot behind everybody's back.
func (s *sky) intrude(name string, stands standing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land()
	s.spots[name].standing = stands
}

func (s *sky) stand(name string) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.land()
	return s.spots[name].standing
}

// next scripts how the next calls of a kind on a target end.
func (s *sky) next(target string, kind driver.Kind, answers ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := target + ":" + string(kind)
	s.script[key] = append(s.script[key], answers...)
}

// done lists what took effect: "web weight 10".
func (s *sky) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]string, len(s.effects))
	for i, e := range s.effects {
		list[i] = e.String()
	}
	return list
}

// asked counts the requests of some kinds; all of them without any.
func (s *sky) asked(whats ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if len(whats) == 0 || slices.Contains(whats, r.what) {
			n++
		}
	}
	return n
}

func (s *sky) String() string { return fmt.Sprint(s.done()) }
