package content

import "strings"

// replaceAtTags replaces <at …>Name</at>, the form mentions have in the markdown of posts and cards, by @Name.
// Anything that does not end as a tag should stays as it is.
func (m mentions) replaceAtTags(s string) string {
	var out strings.Builder
	for {
		start := strings.Index(s, "<at ")
		if start < 0 {
			break
		}
		attributes, rest, ok := strings.Cut(s[start+len("<at "):], ">")
		if !ok {
			break
		}
		out.WriteString(s[:start])
		name := ""
		if attributes, ok = strings.CutSuffix(attributes, "/"); !ok {
			if inner, after, closed := strings.Cut(rest, "</at>"); closed && !strings.Contains(inner, "<") {
				name, rest = inner, after
			}
		}
		out.WriteString(m.at(attributes, name))
		s = rest
	}
	out.WriteString(s)
	return out.String()
}

// at returns the text for an <at> tag. It carries an id as id, user_id or open_id, quoted or not, or several in ids with
// commas between them, and in cards as their sender wrote them also the placeholders, in mention_key or mentions_key
// (larksuite/cli pull request 1480). It may have no name in it.
func (m mentions) at(attributes, name string) string {
	var ids, keys []string
	for _, attribute := range strings.Fields(attributes) {
		attribute, value, _ := strings.Cut(attribute, "=")
		value = strings.Trim(value, `"'`)
		switch {
		case attribute == "mention_key" || attribute == "mentions_key":
			keys = strings.Split(value, ",")
		case attribute == "ids":
			ids = strings.Split(value, ",")
		case ids == nil && (attribute == "id" || strings.HasSuffix(attribute, "_id")):
			ids = []string{value}
		}
	}
	if ids == nil {
		ids = keys
	}
	if len(ids) == 0 {
		return m.name("", name)
	}
	if len(ids) > 1 {
		name = "" // nobody's in particular
	}
	var out strings.Builder
	for i, id := range ids {
		if i < len(keys) && m[keys[i]] != "" {
			id = keys[i]
		}
		out.WriteString(m.name(id, name))
	}
	return out.String()
}

// link writes a link as markdown does, or the one part there is.
func link(label, target string) string {
	switch {
	case target == "" || target == label:
		return label
	case label == "":
		return target
	}
	return "[" + label + "](" + target + ")"
}
