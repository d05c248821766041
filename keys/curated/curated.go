// Package curated is the list of the keys that are written by hand: it gathers the definitions of the packages under
// keys, one for each domain of the platform.
//
// It defines no key itself. Package keys calls it for the catalogue, and the generator of keys/native to know what it
// need not write.
package curated

import (
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/anyevent"
	"github.com/larkevents/lark-events-mcp/keys/application"
	"github.com/larkevents/lark-events-mcp/keys/approval"
	"github.com/larkevents/lark-events-mcp/keys/board"
	"github.com/larkevents/lark-events-mcp/keys/calendar"
	"github.com/larkevents/lark-events-mcp/keys/card"
	"github.com/larkevents/lark-events-mcp/keys/contact"
	"github.com/larkevents/lark-events-mcp/keys/drive"
	"github.com/larkevents/lark-events-mcp/keys/im"
	"github.com/larkevents/lark-events-mcp/keys/mail"
	"github.com/larkevents/lark-events-mcp/keys/minutes"
	"github.com/larkevents/lark-events-mcp/keys/task"
	"github.com/larkevents/lark-events-mcp/keys/vc"
)

// Keys returns the definitions, domain by domain.
func Keys() []eventcore.KeyDefinition {
	return slices.Concat(
		im.Keys(),
		card.Keys(),
		application.Keys(),
		approval.Keys(),
		task.Keys(),
		board.Keys(),
		contact.Keys(),
		vc.Keys(),
		minutes.Keys(),
		mail.Keys(),
		calendar.Keys(),
		drive.Keys(),
		anyevent.Keys(),
	)
}
