package card

import (
	"context"
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const (
	paramActionTag  = "action_tag"
	paramMessageID  = "message_id"
	paramChatID     = "chat_id"
	paramOperatorID = "operator_id"
	paramWithCard   = "with_card"
)

func params() []eventcore.ParamDef {
	return []eventcore.ParamDef{
		{Name: paramActionTag, Type: eventcore.ParamMulti, Values: tags(), Description: "only what was done with these elements; without it, with any"},
		{Name: paramMessageID, Type: eventcore.ParamString, Description: "only on this card, the message id it was sent as, such as om_5ce6d572455d361153b7cb51da133945"},
		{Name: paramChatID, Type: eventcore.ParamString, Description: "only on cards in this chat, such as oc_5ce6d572455d361153b7cb51da133945"},
		{Name: paramOperatorID, Type: eventcore.ParamString, Description: "only by this person, an open_id such as ou_84aad35d084aa403a838cf73ee184671"},
		{Name: paramWithCard, Type: eventcore.ParamBool, Default: "true",
			Description: "true: also the card itself, needed to update it unless you keep what you sent. It costs one API call an event, the " +
				"scope im:message:readonly, and up to 30 KB of text. false: what was done alone, sooner and without any call"},
	}
}

func tags() []eventcore.ParamValue {
	return []eventcore.ParamValue{
		{Value: "button", Desc: "a button, also the one that sends a form"},
		{Value: "overflow", Desc: "an entry of a menu of buttons"},
		{Value: "select_static", Desc: "one option of a list"},
		{Value: "multi_select_static", Desc: "several options of a list"},
		{Value: "select_person", Desc: "one person"},
		{Value: "multi_select_person", Desc: "several people"},
		{Value: "select_img", Desc: "pictures to choose from"},
		{Value: "input", Desc: "a text field"},
		{Value: "checker", Desc: "a box to tick"},
		{Value: "date_picker", Desc: "a date"},
		{Value: "picker_time", Desc: "a time of day"},
		{Value: "picker_datetime", Desc: "a date with a time"},
		{Value: "interactive_container", Desc: "a part of the card that can be pressed as a whole"},
	}
}

// idParams are the params that are ids, with what such an id starts with and where to find it.
var idParams = []struct{ name, prefix, hint string }{
	{paramMessageID, "om_", "take the message_id that sending the card returned, or that of an event; a link does not do"},
	{paramChatID, "oc_", "list the chats of the bot to find it; a name or a link does not do"},
	{paramOperatorID, "ou_", "give the open_id, as operator_id of an event has it; a name or an address does not do"},
}

// normalize trims ids and refuses what is none, because a subscription for it would wait for ever without a word.
func normalize(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
	for _, p := range idParams {
		id := strings.TrimSpace(params[p.name])
		if id == "" {
			delete(params, p.name)
			continue
		}
		if !strings.HasPrefix(id, p.prefix) {
			return &eventcore.Error{
				Code: eventcore.CodeInvalidParams, Param: p.name, Hint: p.hint,
				Message: fmt.Sprintf("param %q of %s must be an id that starts with %s", p.name, actionTriggered, p.prefix),
			}
		}
		params[p.name] = id
	}
	return nil
}

// match reports whether an event is among those the params ask for. One that cannot be read, or does not say what is
// asked, passes, so that it is delivered rather than lost.
func match(raw *eventcore.RawEvent, params map[string]string) bool {
	event, err := keydef.Decode[actionEvent](raw)
	if err != nil {
		return true
	}
	return keydef.Admits(params[paramMessageID], event.Context.MessageID) && keydef.Admits(params[paramChatID], event.Context.ChatID) &&
		keydef.Admits(params[paramOperatorID], event.Operator) && keydef.Admits(params[paramActionTag], event.Action.Tag)
}
