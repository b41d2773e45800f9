package pipeline

import (
	"slices"
	"strings"
)

// checkPrefix begins what the mapping of a check is called.
const checkPrefix = "a check of "

// home is where some keys of a check stand.
type home struct {
	keys  []string
	where string
	meant []string // the keys of the level that are not missing then
}

// misplaced says where a key stands that was put one level of a check too deep or too
// shallow; "" where it belongs to no level of a check, or m is none.
func (m mapping) misplaced(name string) string {
	for _, h := range m.homes() {
		if !slices.Contains(h.keys, name) {
			continue
		}
		for _, key := range h.meant {
			m.meant[key] = true
		}
		return h.where
	}
	return ""
}

// homes are where the keys of a check stand that m, one of its levels, does not have.
func (m mapping) homes() []home {
	beside := []string{"scope", "timeout", "dryRun", "onRollback"}
	ofCompare := []string{"direction", "confidence", "minSamples", "effect"}
	ofSource := []string{"query", "range", "step", "namespace", "stat", "period", "dimensions", "expression", "metrics", "project", "gate"}
	switch {
	case strings.HasPrefix(m.what, checkPrefix):
		return []home{
			{[]string{"url", "method", "status", "contains", "attempts", "headers"}, "within http", []string{kindHTTP}},
			{[]string{"names", "prefix", "insufficientData"}, "within alarms", []string{kindAlarms}},
			{[]string{"region"}, "within alarms, or within the source of a metric", []string{kindAlarms}},
			{[]string{"monitoring"}, "within metric, compare or alarms", []string{kindMetric}},
			{theSources(), "within metric or compare", []string{kindMetric}},
			{ofCompare, "within compare", []string{kindCompare}},
			{ofSource, "within the source of a metric, such as metric: {prometheus: …}", []string{kindMetric}},
		}
	case slices.Contains([]string{kindHTTP, kindAlarms}, m.what):
		return []home{{beside, "beside " + m.what + ", in the check itself", nil}}
	case slices.Contains([]string{kindMetric, kindCompare}, m.what):
		return []home{
			{beside, "beside " + m.what + ", in the check itself", nil},
			{append(ofSource, "url", "region"), "within its source, such as " + m.what + ": {prometheus: …}", theSources()},
		}
	case slices.Contains(theSources(), m.what):
		return []home{
			{beside, "beside metric or compare, in the check itself", nil},
			{[]string{"condition", "inconclusive"}, "beside " + m.what + ", in metric", nil},
			{[]string{"interval", "failures"}, "beside " + m.what + ", one level up", nil},
			{ofCompare, "beside " + m.what + ", in compare", nil},
		}
	default:
		return nil
	}
}
