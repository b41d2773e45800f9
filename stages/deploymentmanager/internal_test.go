package deploymentmanager

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReleaseOf(t *testing.T) {
	file := func(name, content string) importFile { return importFile{Name: name, Content: content} }
	of := func(config string, imports ...importFile) string {
		return releaseOf(configFile{Content: config}, imports)
	}
	base := of("a", file("x", "1"), file("y", "2"))
	// The definition is a contract: releases in saved state are known by it.
	if want := "sha256:" + golden; base != want {
		t.Errorf("%s, want %s", base, want)
	}
	if swapped := of("a", file("y", "2"), file("x", "1")); swapped != base {
		t.Error("the order of imports matters")
	}
	for name, other := range map[string]string{
		"config": of("b", file("x", "1"), file("y", "2")), "content": of("a", file("x", "1"), file("y", "3")),
		"name": of("a", file("x", "1"), file("z", "2")), "fewer": of("a", file("x", "1")),
		"moved": of("a", file("x", "12"), file("y", "")), "none": releaseOf(configFile{}, nil),
	} {
		if other == base || !validRelease().MatchString(other) {
			t.Errorf("%s: %s", name, other)
		}
	}
}

func TestTypeProvidersAreSeen(t *testing.T) {
	for text, want := range map[string]bool{
		"- name: x\n  type: compute.v1.instance\n":         false,
		"- name: x\n  type: templates/vm.jinja\n":          false,
		"- name: x\n  type: shop-1234/mine:things\n":       true,
		"- type: 'shop-1234/composite:autoscaler'\n":       true,
		"- name: type\n  properties: {type: a/b:c}\n":      false,
		"resources:\n- type: gcp-types/storage-v1:buckets": false,
	} {
		if got := ownTypes(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// FuzzProblem: whatever an error's message is, it is shown and never breaks.
func FuzzProblem(f *testing.F) {
	f.Add(`{"code":"A","location":"/x","message":"{\"ResourceErrorMessage\":{\"message\":\"m\"}}"}`)
	f.Add(`{"code":7,"message":["a",{"errors":[{"message":"b"}]}],"data":[{"key":"k"}]}`)
	f.Add(`{"message":"\"{\\\"message\\\":null}\""}`)
	f.Add(`{"message":` + strings.Repeat(`{"error":`, 20) + `"x"` + strings.Repeat(`}`, 20) + `}`)
	f.Fuzz(func(t *testing.T, text string) {
		var p problem
		if json.Unmarshal([]byte(text), &p) != nil {
			return
		}
		if p.readable().Message == "" {
			t.Errorf("%s has no message", text)
		}
	})
}

// FuzzOperation: neither does an operation's text.
func FuzzOperation(f *testing.F) {
	f.Add(`{"name":"op","status":"DONE","progress":100,"error":{"errors":[{"message":"m"}]},"warnings":[{}]}`)
	f.Add(`{"error":{"errors":null},"httpErrorStatusCode":404}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := operationOf(json.RawMessage(text))
		if err == nil && o.failed() && (!o.done() && o.Status == "DONE" || len(o.problems()) == 0) {
			t.Errorf("%s fails and does not end, or without a reason", text)
		}
	})
}

const golden = "49dde4f7ecc6e5d5fbd991e3e4614b1fec1685836b0420fe37068484cf228d9c"
