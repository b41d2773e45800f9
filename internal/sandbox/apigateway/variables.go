package apigateway

import (
	"maps"
	"slices"
	"strings"
)

// checkVariables refuses variables of a stage that API Gateway does not take, the
// first by name.
func checkVariables(variables map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if err := checkVariable(name, variables[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkVariable refuses one variable.
//
// docs/platforms.md: "names of stage variables have letters, digits and `_`, values match `[A-Za-z0-9-._~:/?#&=,]+`"
func checkVariable(name, value string) error {
	if name == "" || strings.Trim(name, wordCharacters) != "" {
		return badRequest("Invalid stage variable name: %s.  Please use names with only word characters.", name)
	}
	if value == "" || strings.Trim(value, wordCharacters+"-.~:/?#&=,") != "" {
		return badRequest("Invalid stage variable value: %s.  Please use values with alphanumeric characters and the symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','.", value)
	}
	return nil
}

const wordCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
