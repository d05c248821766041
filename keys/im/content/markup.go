package content

import "strings"

// replaceAtTags replaces <at …>Name</at>, the form mentions have in the markdown of posts and cards, by @Name.
// The tag carries the id as id, user_id or open_id, quoted or not, and may have no name in it. Anything that
// does not end as a tag should stays as it is.
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
		out.WriteString(m.name(idAttribute(attributes), name))
		s = rest
	}
	out.WriteString(s)
	return out.String()
}

// idAttribute returns the value of the attribute that names who is mentioned.
func idAttribute(attributes string) string {
	for _, attribute := range strings.Fields(attributes) {
		name, value, ok := strings.Cut(attribute, "=")
		if ok && (name == "id" || strings.HasSuffix(name, "_id")) {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
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
