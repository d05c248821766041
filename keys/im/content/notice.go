package content

import (
	"slices"
	"strings"
)

// notices are the sentences that the platform sends in place of a card it cannot simplify, mostly one of card JSON 2.0,
// without the full stop. Sources: larksuite/oapi-sdk-python issue 95, and the platform's documentation of the card
// component "Input"; the last has been seen in English chats.
var notices = []string{
	"请升级至最新版本客户端，以查看内容",
	"Please upgrade to the latest version of the client",
	"Please upgrade to the latest version of the client to view content",
	"Upgrade to the latest app version to view the content",
}

// isNotice reports whether the elements of a simplified card are such a sentence, with or without a picture, and nothing
// else.
func isNotice(elements []any) bool {
	found := false
	for _, row := range elements {
		items, ok := row.([]any)
		if !ok {
			items = []any{row}
		}
		for _, item := range items {
			e := object(item)
			said := strings.TrimRight(strings.TrimSpace(e.text("text")), ".。")
			switch {
			case e.text("tag") == "img", e.text("tag") == "text" && said == "":
			case e.text("tag") == "text" && slices.Contains(notices, said):
				found = true
			default:
				return false
			}
		}
	}
	return found
}
