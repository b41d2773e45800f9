package view

import (
	"encoding/json"
	"net/url"
	"regexp"
	"sync"

	"sluice/pipeline"
)

// consoleKey is a key of a target within the address of its platform's console.
var consoleKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{([A-Za-z]+)\}`) })

// console is where the platform shows a target to people; "" where it has no such
// address, or the file leaves out a key that is in it.
func console(t *pipeline.Target) string {
	if t == nil || t.Platform.Console == "" {
		return ""
	}
	var config map[string]json.RawMessage
	if json.Unmarshal(t.Config, &config) != nil {
		return "" // the driver says what is wrong with it
	}
	whole := true
	address := consoleKey().ReplaceAllStringFunc(t.Platform.Console, func(key string) string {
		var value string
		if json.Unmarshal(config[key[1:len(key)-1]], &value) != nil || value == "" {
			whole = false
		}
		return url.QueryEscape(value)
	})
	if !whole {
		return ""
	}
	return address
}
