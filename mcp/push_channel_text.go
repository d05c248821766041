package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// maxValueDepth bounds how deep into nested data the text of an event goes.
const maxValueDepth = 5

// member is one member of an object, in the order in which the event has it: payloads begin with what matters.
type member struct {
	name  string
	value any // a string, json.Number, bool, nil, []any or []member
}

// parseInOrder reads JSON, which must be valid, and keeps the order of members.
func parseInOrder(text json.RawMessage) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return nextValue(decoder)
}

func nextValue(decoder *json.Decoder) any {
	token, err := decoder.Token()
	if err != nil {
		return nil
	}
	switch token {
	case json.Delim('{'):
		members := []member{}
		for decoder.More() {
			name, _ := decoder.Token()
			text, _ := name.(string)
			members = append(members, member{text, nextValue(decoder)})
		}
		decoder.Token()
		return members
	case json.Delim('['):
		items := []any{}
		for decoder.More() {
			items = append(items, nextValue(decoder))
		}
		decoder.Token()
		return items
	}
	return token
}

// bodyMembers returns the members of an event, without the envelope around them if it has one. What is no object
// becomes a member called data.
func bodyMembers(data json.RawMessage) []member {
	value := parseInOrder(data)
	members, ok := value.([]member)
	if !ok {
		return []member{{"data", value}}
	}
	for _, m := range members {
		if event, ok := m.value.([]member); ok && m.name == "event" {
			return event
		}
	}
	return members
}

// wordsFirst are the members that people write; an event's text begins with them.
var wordsFirst = []string{"content", "text", "subject", "title", "topic", "name", "preview"}

// sortForReading puts what people wrote before the rest.
func sortForReading(members []member) []member {
	rank := func(m member) int {
		if i := slices.Index(wordsFirst, m.name); i >= 0 {
			return i
		}
		return len(wordsFirst)
	}
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(a, b member) int { return rank(a) - rank(b) })
	return sorted
}

// textWriter collects text of bounded length.
type textWriter struct {
	strings.Builder
	limit int // bytes
}

func (w *textWriter) full() bool { return w.Len() >= w.limit }

// value writes a value on one line: the items of a list apart by semicolons, the members of an object by commas.
func (w *textWriter) value(value any, depth int) {
	switch value := value.(type) {
	case nil:
	case string:
		w.WriteString(oneLine(clip(value, w.limit)))
	case []member:
		if id := idOfPerson(value); id != "" {
			w.value(id, depth)
			return
		}
		value = slices.DeleteFunc(slices.Clone(value), func(m member) bool { return isEmpty(m.value) })
		w.list(len(value), depth, ", ", func(i int) {
			w.WriteString(oneLine(clip(value[i].name, maxNameText)) + ": ")
			w.value(value[i].value, depth+1)
		})
	case []any:
		w.list(len(value), depth, "; ", func(i int) { w.value(value[i], depth+1) })
	default:
		fmt.Fprint(&w.Builder, value)
	}
}

func (w *textWriter) list(n, depth int, between string, write func(i int)) {
	if depth >= maxValueDepth && n > 0 {
		w.WriteString("…")
		return
	}
	if depth > 0 {
		w.WriteByte('(')
		defer w.WriteByte(')')
	}
	for i := range n {
		if i > 0 {
			w.WriteString(between)
		}
		if w.full() {
			w.WriteString("…")
			return
		}
		write(i)
	}
}

// idOfPerson returns the id to show of an object that holds the ids of a person and nothing else, "" for anything else.
func idOfPerson(value any) string {
	members, _ := value.([]member)
	found := ""
	for _, m := range members {
		id, _ := m.value.(string)
		switch {
		case !slices.Contains(personIDs, m.name):
			return ""
		case found == "" || m.name == personIDs[0] && id != "":
			found = id
		}
	}
	return found
}

// plainText returns a string or a number as text, "" for anything else.
func plainText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	return ""
}

// isEmpty reports whether a value has nothing to read.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case []member:
		return len(value) == 0
	}
	return false
}

// oneLine returns text without line breaks, and visible; see [visible].
func oneLine(text string) string { return strings.Join(strings.Fields(visible(text)), " ") }

// quotedLines returns text of several lines with a mark before each, so that none of them passes for a line of ours.
func quotedLines(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = "  | " + strings.TrimSpace(visible(line))
	}
	return strings.Join(lines, "\n")
}

// invisible are the characters that Unicode wants shown as nothing: formats (among them joiners, marks of direction and
// the copy of ASCII in tags), variation selectors, with which any bytes can be written behind one letter, and fillers.
// Emoji that need a joiner or a selector lose it: they come in parts, or without colour.
var invisible = []*unicode.RangeTable{unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point}

// visible takes out what a person who reads the text does not see, but a model does: control characters and those
// that are invisible. A few formats are signs around numbers, and are seen.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
			return r
		case unicode.IsControl(r), unicode.In(r, invisible...):
			return -1
		}
		return r
	}, text)
}

// escapeTags takes the meaning from what could end the tag that the client puts around the text.
var escapeTags = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`)
