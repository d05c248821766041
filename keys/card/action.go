package card

import (
	"context"
	"encoding/json"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const actionTriggered = "card.action.trigger"

// lookupWorkers is how many cards may be fetched at once for one consumer.
const lookupWorkers = 4

// ActionTriggered is what someone did on a card.
type ActionTriggered struct {
	ActionTag    string                     `json:"action_tag,omitempty" desc:"what was used: button, overflow, select_static, multi_select_static, select_person, multi_select_person, select_img, input, checker, date_picker, picker_time, picker_datetime, or any other as the platform writes it"`
	ActionName   string                     `json:"action_name,omitempty" desc:"the element's name, as the card sets it"`
	ActionValue  json.RawMessage            `json:"action_value,omitempty" desc:"the value that the card's author gave the element, mostly an object; tells what pressing it means"`
	FormValue    map[string]json.RawMessage `json:"form_value,omitempty" desc:"what was filled in, if a form was sent: by the name of each field, a text, a truth value, or a list where several may be chosen"`
	Option       string                     `json:"option,omitempty" desc:"the one choice made outside a form: an option's value, a person's open_id, or a date or time with its offset such as 2026-01-02 +0800"`
	Options      []string                   `json:"options,omitempty" desc:"the choices made outside a form, where several are possible: options' values, or people's open_ids"`
	InputValue   string                     `json:"input_value,omitempty" desc:"the text typed outside a form"`
	Checked      *bool                      `json:"checked,omitempty" desc:"for a checker outside a form: whether it is ticked now"`
	Timezone     string                     `json:"timezone,omitempty" desc:"the time zone of who chose a date or time, such as Asia/Shanghai"`
	OperatorID   string                     `json:"operator_id,omitempty" kind:"open_id" desc:"who did it"`
	MessageID    string                     `json:"message_id,omitempty" kind:"message_id" desc:"the message that is the card"`
	ChatID       string                     `json:"chat_id,omitempty" kind:"chat_id" desc:"the chat the card is in"`
	Host         string                     `json:"host,omitempty" desc:"where the card was shown: im_message (in the chat), im_top_notice (pinned above it), or any other as the platform writes it"`
	DeliveryType string                     `json:"delivery_type,omitempty" desc:"how the card got there, if not sent as a message: url_preview"`
	URL          string                     `json:"url,omitempty" desc:"the link that the card is a preview of"`
	Token        string                     `json:"token,omitempty" desc:"to change this card in answer: POST /open-apis/interactive/v1/card/update with this token and the complete new card, as the bot. Good for 30 minutes and two updates"`
	CardType     string                     `json:"card_type,omitempty" desc:"what card holds: json (the card as its author wrote it, to change and send back), template (made in the card builder: template id and variables), entity (made by the card API: its card_id), other (anything else)"`
	Card         json.RawMessage            `json:"card,omitempty" desc:"the card as it was sent, see card_type; looked up, with with_card"`
}

func actionKey() eventcore.KeyDefinition {
	return keydef.Processed(eventcore.KeyDefinition{
		Key:         actionTriggered,
		DisplayName: "Card button pressed or form sent",
		Description: "Someone pressed a button, chose an option, ticked a box or sent a form on a card of the bot. You get what was used with its value, " +
			"the form's fields by name, who did it and where, a token to update the card within 30 minutes, and the card itself " +
			"where it can be had. This is a callback, not an event: switch it on under Callback configuration in the developer console, " +
			"delivered by long connection. The platform is answered at once without changing the card, so show the outcome by " +
			"updating it. Links on a card do not come. One consumer only, so that nobody answers twice. For the bot's menu, take application.bot.menu_v6.",
		Keywords: []string{
			"click", "interactive card", "callback", "submit", "select", "dropdown", "checkbox", "date picker", "confirm", "approve button",
			"卡片", "卡片回调", "卡片回传交互", "点击按钮", "按钮", "表单提交", "消息卡片",
		},
		Params:          params(),
		NormalizeParams: normalize,
		Match:           match,
		Scopes:          []string{cardScope},
		AuthTypes:       []string{"bot"},
		SingleConsumer:  true,
		Workers:         lookupWorkers,
	}, examples, process)
}

// actionEvent is what is read of the callback. What cards hold is up to their authors, so that the members with it
// are taken as they come: the SDK's type refuses a value that is a text.
type actionEvent struct {
	Operator keydef.UserID `json:"operator"`
	Token    keydef.Text   `json:"token"`
	Action   struct {
		Tag        keydef.Text     `json:"tag"`
		Name       keydef.Text     `json:"name"`
		Value      json.RawMessage `json:"value"`
		FormValue  json.RawMessage `json:"form_value"`
		Option     keydef.Text     `json:"option"`
		Options    json.RawMessage `json:"options"`
		InputValue keydef.Text     `json:"input_value"`
		Checked    keydef.Text     `json:"checked"`
		Timezone   keydef.Text     `json:"timezone"`
	} `json:"action"`
	Host         keydef.Text `json:"host"`
	DeliveryType keydef.Text `json:"delivery_type"`
	Context      struct {
		MessageID keydef.Text `json:"open_message_id"`
		ChatID    keydef.Text `json:"open_chat_id"`
		URL       keydef.Text `json:"url"`
	} `json:"context"`
}

func process(ctx context.Context, rt eventcore.APIClient, in *actionEvent, params map[string]string) (*ActionTriggered, error) {
	if in.Context.MessageID == "" && in.Token == "" {
		return nil, keydef.NamesNo("card")
	}
	out := &ActionTriggered{
		ActionTag: string(in.Action.Tag), ActionName: string(in.Action.Name), ActionValue: meaningful(in.Action.Value),
		Option: string(in.Action.Option), Options: texts(in.Action.Options), InputValue: string(in.Action.InputValue),
		Timezone: string(in.Action.Timezone), OperatorID: string(in.Operator), MessageID: string(in.Context.MessageID),
		ChatID: string(in.Context.ChatID), Host: string(in.Host), DeliveryType: string(in.DeliveryType), URL: string(in.Context.URL),
		Token: string(in.Token),
	}
	// Every other element says false as well.
	if checked := in.Action.Checked == "true"; checked || in.Action.Tag == "checker" && in.Action.Checked == "false" {
		out.Checked = &checked
	}
	formValue, formErr := fields(in.Action.FormValue)
	out.FormValue = formValue
	if params[paramWithCard] == "false" || out.MessageID == "" {
		return out, formErr
	}
	content, err := fetchCard(ctx, rt, out.MessageID)
	if err != nil {
		return out, keydef.AllMissing(formErr, keydef.Missing("the card", err, cardScope))
	}
	out.CardType, out.Card = content.kind, content.card
	return out, formErr
}
