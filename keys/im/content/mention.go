package content

import "strings"

// MentionAll is the placeholder of a mention of everyone, which the platform may list among those mentioned.
const MentionAll = "@_all"

const userPlaceholder = "@_user_"

// mentions maps a placeholder to the text that replaces it.
type mentions map[string]string

func newMentions(list []Mention) mentions {
	m := mentions{}
	for _, mention := range list {
		if mention.Key != "" && mention.Name != "" {
			m[mention.Key] = "@" + mention.Name
		}
	}
	return m
}

// replace puts names in place of placeholders. It goes over the text once, so that a name which looks like a
// placeholder stays a name, and takes a placeholder with all its digits, so that @_user_1 is not found in
// @_user_10. A placeholder nobody knows stays.
func (m mentions) replace(s string) string {
	if !strings.Contains(s, "@_") {
		return s
	}
	var out strings.Builder
	for {
		at := strings.Index(s, "@_")
		if at < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:at])
		s = s[at:]
		length, replacement := m.match(s)
		out.WriteString(replacement)
		s = s[length:]
	}
}

// match looks at a text that begins with @_, and returns how much of it to replace with what.
func (m mentions) match(s string) (length int, replacement string) {
	if strings.HasPrefix(s, userPlaceholder) {
		end := len(userPlaceholder)
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if name, ok := m[s[:end]]; ok {
			return end, name
		}
		return end, s[:end]
	}
	if rest, ok := strings.CutPrefix(s, MentionAll); ok && !startsWithWord(rest) {
		return len(MentionAll), "@all"
	}
	return len("@_"), "@_"
}

// name returns the text for an at element, whose id is a placeholder or a user's id, with the name it may carry.
func (m mentions) name(id, name string) string {
	if known, ok := m[id]; ok {
		return known
	}
	switch {
	case id == "all" || id == MentionAll:
		return "@all"
	case name != "":
		return "@" + strings.TrimPrefix(name, "@")
	case id != "":
		return "@" + strings.TrimPrefix(id, "@")
	}
	return ""
}

func startsWithWord(s string) bool {
	if s == "" {
		return false
	}
	c := s[0]
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
