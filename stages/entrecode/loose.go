package entrecode

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// looseID reads an id, which comes as a number or as a string. It is "" for
// anything else. 693, "693" and 693.0 are the same id.
func looseID(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return ""
	}
	if i, err := n.Int64(); err == nil {
		return strconv.FormatInt(i, 10)
	}
	f, err := n.Float64()
	if err != nil || f != float64(int64(f)) {
		return ""
	}
	return strconv.FormatInt(int64(f), 10)
}

// looseIDs reads a list of ids, or a single one.
func looseIDs(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var ids []string
	for _, item := range list {
		if id := looseID(item); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// looseText reads a text; whatever else stands there is shown as its JSON.
func looseText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return ""
	}
	return b.String()
}

// looseBool reads a flag, which only true and "true" raise.
func looseBool(raw json.RawMessage) bool { return looseText(raw) == "true" }

// timeLayouts are the forms of timestamps beside RFC 3339, which is tried
// first. Seconds may have any fraction. Without a zone a time is UTC, as all
// of the platform's are.
var timeLayouts = [...]string{
	time.RFC3339,
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04:05Z07",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04",
	time.DateOnly,
	time.RFC1123,
	time.RFC1123Z,
}

// looseTime reads a timestamp: a string in one of several forms, or a number
// of milliseconds since 1970. What cannot be read is the zero time. The result
// is UTC and always one that RFC 3339 can express.
func looseTime(raw json.RawMessage) time.Time {
	var t time.Time
	var s string
	var ms int64
	switch {
	case json.Unmarshal(raw, &s) == nil:
		t = parseTime(strings.TrimSpace(s))
	case json.Unmarshal(raw, &ms) == nil && ms > 0:
		t = time.UnixMilli(ms)
	}
	t = t.UTC()
	if t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func parseTime(s string) time.Time {
	if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == ' ' {
		// SQL's form: a blank between date and time, perhaps another before the zone.
		s = s[:len(time.DateOnly)] + "T" + strings.ReplaceAll(s[len(time.DateOnly)+1:], " ", "")
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
