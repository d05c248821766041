package board

import (
	"context"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const whiteboardUpdated = "board.whiteboard.updated_v1"

// WhiteboardUpdated is a whiteboard that was edited.
type WhiteboardUpdated struct {
	WhiteboardID string   `json:"whiteboard_id,omitempty" kind:"whiteboard_id" desc:"the whiteboard"`
	OperatorIDs  []string `json:"operator_ids,omitempty" kind:"open_id" desc:"who edited it; several if they drew at the same time, because the platform tells of their edits together"`
}

func whiteboardKey() eventcore.KeyDefinition {
	return keydef.SubscribedBy(keydef.Processed(eventcore.KeyDefinition{
		Key:         whiteboardUpdated,
		DisplayName: "Whiteboard edited",
		Description: "Someone drew on or changed one given whiteboard. You get the whiteboard and who edited it, not what they changed: read the " +
			"whiteboard's nodes for that. It subscribes to the one whiteboard and needs the right to manage it, as the user or as the bot " +
			"that listens; the event must be switched on in the developer console. Text around the whiteboard in its document is not " +
			"covered: for documents, take the drive keys.",
		Keywords: []string{
			"board", "drawing", "diagram", "canvas", "sketch", "flowchart", "mind map",
			"画板", "白板", "画板更新", "画板编辑", "流程图",
		},
		Params: []eventcore.ParamDef{{
			Name: paramWhiteboardID, Type: eventcore.ParamString, Required: true, SubscriptionKey: true,
			Description: "the whiteboard: its token, such as Ru8nwrWFOhEmaFbEU2VbPRsHcxb, or a link to it. In a document, the token is " +
				"that of the block with block_type 43; the document's own link does not do",
		}},
		NormalizeParams: normalize,
		Match:           match,
		Scopes:          []string{"board:whiteboard:node:read"},
		AuthTypes:       []string{"user", "bot"},
	}, examples, process), call("subscribe"), call("unsubscribe"))
}

// call is the platform's call on the whiteboard that the params name.
func call(action string) func(map[string]string) keydef.Call {
	return func(params map[string]string) keydef.Call {
		path := "/open-apis/board/v1/whiteboards/" + url.PathEscape(params[paramWhiteboardID]) + "/" + action
		return keydef.Post(path, whiteboardUpdated)(params)
	}
}

type whiteboardEvent struct {
	WhiteboardID keydef.Text     `json:"whiteboard_id"`
	OperatorIDs  []keydef.UserID `json:"operator_ids"`
}

func process(_ context.Context, _ eventcore.APIClient, in *whiteboardEvent, _ map[string]string) (*WhiteboardUpdated, error) {
	if in.WhiteboardID == "" {
		return nil, keydef.NamesNo("whiteboard")
	}
	out := &WhiteboardUpdated{WhiteboardID: string(in.WhiteboardID)}
	for _, id := range in.OperatorIDs {
		if id != "" {
			out.OperatorIDs = append(out.OperatorIDs, string(id))
		}
	}
	return out, nil
}

// match reports whether an event is of the whiteboard asked for: the app gets the events of all whiteboards that anyone
// subscribed it to. One that cannot be read, or names none, passes, so that it is not lost.
func match(raw *eventcore.RawEvent, params map[string]string) bool {
	event, err := keydef.Decode[whiteboardEvent](raw)
	return err != nil || event.WhiteboardID == "" || string(event.WhiteboardID) == params[paramWhiteboardID]
}
