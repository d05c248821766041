package content

import "strings"

// renderSystem fills the variables of a template such as "{from_user} invited {to_chatters} to this chat." with
// the members of the same names. A variable that nothing is known of stays, so that its place is seen.
func renderSystem(c node, _ mentions) (Rendered, error) {
	template := c.text("template")
	if template == "" {
		return Rendered{}, missing("template")
	}
	var out strings.Builder
	for {
		before, rest, open := strings.Cut(template, "{")
		name, after, closed := strings.Cut(rest, "}")
		out.WriteString(before)
		if !open {
			break
		}
		if !closed {
			out.WriteString("{" + rest)
			break
		}
		if value := variable(c[name]); value != "" || c.has(name) {
			out.WriteString(value)
		} else {
			out.WriteString("{" + name + "}")
		}
		template = after
	}
	return Rendered{Text: strings.TrimSpace(out.String())}, nil
}

// variable writes a variable's value: a text, a list of them, or an object with one.
func variable(value any) string {
	switch v := value.(type) {
	case []any:
		var items []string
		for _, item := range v {
			if s := variable(item); s != "" {
				items = append(items, s)
			}
		}
		return strings.Join(items, ", ")
	case map[string]any:
		return variable(v["text"])
	}
	return text(value)
}
