package mail

import (
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// narrows reports whether the params ask for some mails only, which takes the mail to decide.
func narrows(params map[string]string) bool {
	return params[paramFolder] != "" || params[paramLabel] != "" || params[paramFrom] != ""
}

// passes reports whether a mail is among those that the params ask for: in one of the folders, with one of the labels,
// from one of the senders. A mail that does not say what is asked passes, with an error that says which scope is
// missing. No labels is an answer: the platform leaves an empty list out.
func passes(m *message, params map[string]string) (bool, error) {
	if ids := split(params[paramFolder]); len(ids) > 0 && m.FolderID != "" && !slices.Contains(ids, string(m.FolderID)) {
		return false, nil
	}
	if ids := split(params[paramLabel]); len(ids) > 0 && !hasLabel(m, ids) {
		return false, nil
	}
	sender := strings.ToLower(string(m.From.Address))
	if senders := split(params[paramFrom]); len(senders) > 0 && sender != "" && !isFrom(sender, senders) {
		return false, nil
	}
	switch {
	case params[paramFolder] != "" && m.FolderID == "":
		return true, undecided(paramFolder, "in which folder the mail is", scopeMessage)
	case params[paramFrom] != "" && sender == "":
		return true, undecided(paramFrom, "who sent the mail", scopeAddress)
	}
	return true, nil
}

func hasLabel(m *message, ids []string) bool {
	return slices.ContainsFunc(m.LabelIDs, func(id keydef.Text) bool { return slices.Contains(ids, string(id)) })
}

// isFrom reports whether an address is one of the senders, or of a domain written as @example.com.
func isFrom(sender string, senders []string) bool {
	return slices.ContainsFunc(senders, func(s string) bool {
		return sender == s || strings.HasPrefix(s, "@") && strings.HasSuffix(sender, s)
	})
}

func undecided(param, what, scope string) error {
	return &eventcore.Error{
		Code: eventcore.CodePermissionDenied, Param: param, Scopes: []string{scope},
		Message: "the platform did not say " + what + ", so that " + param + " cannot be decided and the mail is delivered",
		Hint:    "add the scope " + scope + " to the app, and let the user authorize it again",
	}
}

// split returns the items of a comma-separated list, trimmed, without empty ones.
func split(list string) []string {
	var items []string
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
