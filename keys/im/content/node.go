package content

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// node is a decoded JSON object of unknown shape. Its readers return the zero value for a member that is missing
// or of another type: senders and platform versions differ, and half a message is better than none.
type node map[string]any

// parse decodes message content, which must be a JSON object.
func parse(content string) (node, error) {
	dec := json.NewDecoder(strings.NewReader(content))
	dec.UseNumber()
	var n node
	if err := dec.Decode(&n); err != nil || n == nil || dec.More() {
		return nil, errors.New("the content is not a JSON object")
	}
	return n, nil
}

// text returns a string, or a number as written.
func (n node) text(name string) string {
	return text(n[name])
}

func (n node) has(name string) bool {
	_, ok := n[name]
	return ok
}

func (n node) object(name string) node {
	return object(n[name])
}

func (n node) list(name string) []any {
	items, _ := n[name].([]any)
	return items
}

// languages returns the names of members that are one for each language, English and Chinese before others. Each is
// returned once: what reads them goes down a tree, and must not go down a branch twice.
func (n node) languages() []string {
	names := []string{"en_us", "zh_cn"}
	for _, name := range slices.Sorted(maps.Keys(n)) {
		if name != "en_us" && name != "zh_cn" {
			names = append(names, name)
		}
	}
	return names
}

// number returns a whole number that is written as a number or as a string.
func (n node) number(name string) int64 {
	whole, _, _ := strings.Cut(n.text(name), ".")
	value, _ := strconv.ParseInt(whole, 10, 64)
	return value
}

// time returns a point in time given in milliseconds since 1970, to the minute in UTC.
func (n node) time(name string) string {
	ms := n.number(name)
	if ms <= 0 || ms > maxMillis {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04 UTC")
}

// maxMillis is the end of the year 9999, after which times have no common form.
const maxMillis = 253_402_300_799_999

func object(value any) node {
	m, _ := value.(map[string]any)
	return m
}

func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
