package card

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// cardScope lets the bot read the message that is the card.
const cardScope = "im:message:readonly"

// The kinds of content; see ActionTriggered.CardType.
const (
	kindJSON     = "json"
	kindTemplate = "template"
	kindEntity   = "entity"
	kindOther    = "other"
)

// content is what a message with a card holds.
type content struct {
	kind string
	card json.RawMessage
}

// fetchCard reads a card as it was sent: without the parameter, the platform returns a simplified form that cannot be
// sent back (source: "Get message").
func fetchCard(ctx context.Context, rt eventcore.APIClient, messageID string) (content, error) {
	answer, err := keydef.Get[struct {
		Items []struct {
			Body struct {
				Content keydef.Text `json:"content"`
			} `json:"body"`
		} `json:"items"`
	}](ctx, rt, "/open-apis/im/v1/messages/"+url.PathEscape(messageID)+"?card_msg_content_type=user_card_content")
	if err != nil {
		return content{}, err
	}
	if len(answer.Items) == 0 || answer.Items[0].Body.Content == "" {
		return content{}, errNoContent()
	}
	return parseContent(string(answer.Items[0].Body.Content)), nil
}

func errNoContent() error {
	return &eventcore.Error{
		Code: eventcore.CodePlatformError, Message: "the platform returned a message without content",
		Hint:  "the message may have been recalled; the event is complete but for the card",
		Cause: errors.New("no items, or no body.content"),
	}
}

// parseContent tells what a card's content is. Cards made of a template, and card entities, have content that names
// the card instead of being it; and there are messages whose content is no JSON at all, such as recalled ones.
func parseContent(text string) content {
	raw := json.RawMessage(text)
	var card struct {
		UserDSL json.RawMessage `json:"user_dsl"`
		Type    keydef.Text     `json:"type"`
		Data    json.RawMessage `json:"data"`
	}
	if json.Unmarshal(raw, &card) != nil {
		return other(text)
	}
	if dsl := meaningful(card.UserDSL); dsl != nil { // the card within what the platform made of it
		var inner string
		if json.Unmarshal(dsl, &inner) == nil {
			return parseContent(inner)
		}
		return content{kindJSON, dsl}
	}
	if card.Data != nil {
		switch card.Type {
		case "template":
			return content{kindTemplate, raw}
		case "card":
			return content{kindEntity, raw}
		}
	}
	return content{kindJSON, raw}
}

// other keeps a content that is no object, as a text if it is no JSON.
func other(text string) content {
	if json.Valid([]byte(text)) {
		return content{kindOther, json.RawMessage(text)}
	}
	quoted, err := keydef.Encode(text)
	if err != nil {
		return content{kind: kindOther}
	}
	return content{kindOther, quoted}
}
