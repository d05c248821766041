package application

import (
	"context"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const menuChosen = "application.bot.menu_v6"

const paramEventKey = "event_key"

// MenuChosen is an entry of the bot's menu that someone chose.
type MenuChosen struct {
	EventKey     string `json:"event_key,omitempty" desc:"the entry: the event key that the developer console has for it"`
	OperatorID   string `json:"operator_id,omitempty" kind:"open_id" desc:"who chose it; write to this id to answer"`
	OperatorName string `json:"operator_name,omitempty" desc:"the name of who chose it; absent without the scope application:application.bot.operator_name:readonly"`
	ChosenAt     string `json:"chosen_at,omitempty" kind:"date-time" desc:"when it was chosen"`
}

// menuKey has no scopes: the platform asks for none (source: its page on this event).
func menuKey() eventcore.KeyDefinition {
	return keydef.Processed(eventcore.KeyDefinition{
		Key:         menuChosen,
		DisplayName: "Bot menu entry chosen",
		Description: "Someone chose an entry of the bot's custom menu, at the bottom of their one-to-one chat with it. You get the entry's event " +
			"key, who chose it and when; no chat, so answer to the person's open_id. It comes only for entries whose action is to push an " +
			"event, each with an event key, set in the developer console with the bot's menu; entries that send a text come as " +
			"im.message.receive_v1, and buttons on cards as card.action.trigger. No scope is needed.",
		Keywords: []string{
			"bot command", "quick command", "menu click", "menu item", "tapped", "shortcut",
			"机器人菜单", "自定义菜单", "点击菜单", "菜单事件",
		},
		Params: []eventcore.ParamDef{{
			Name: paramEventKey, Type: eventcore.ParamString,
			Description: "only this entry: its event key, letter by letter as in the developer console, such as start_report",
		}},
		NormalizeParams: normalize,
		Match:           match,
		AuthTypes:       []string{"bot"},
	}, examples, process)
}

type menuEvent struct {
	Operator struct {
		Name keydef.Text   `json:"operator_name"`
		ID   keydef.UserID `json:"operator_id"`
	} `json:"operator"`
	EventKey  keydef.Text `json:"event_key"`
	Timestamp keydef.Text `json:"timestamp"`
}

func process(_ context.Context, _ eventcore.APIClient, in *menuEvent, _ map[string]string) (*MenuChosen, error) {
	if in.EventKey == "" {
		return nil, keydef.NamesNo("menu entry")
	}
	return &MenuChosen{
		EventKey: string(in.EventKey), OperatorID: string(in.Operator.ID), OperatorName: string(in.Operator.Name),
		ChosenAt: in.Timestamp.UTC(),
	}, nil
}

func normalize(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
	key := strings.TrimSpace(params[paramEventKey])
	if key == "" {
		delete(params, paramEventKey)
		return nil
	}
	params[paramEventKey] = key
	return nil
}

// match reports whether an event is of the entry asked for. One that cannot be read, or names none, passes, so that it
// is delivered rather than lost.
func match(raw *eventcore.RawEvent, params map[string]string) bool {
	wanted := params[paramEventKey]
	if wanted == "" {
		return true
	}
	event, err := keydef.Decode[menuEvent](raw)
	return err != nil || event.EventKey == "" || string(event.EventKey) == wanted
}
