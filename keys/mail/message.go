package mail

import (
	"context"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// The scopes of what is asked for. The platform leaves fields out without the scope for them.
const (
	scopeMailAddress = "mail:user_mailbox.event.mail_address:read"
	scopeProfile     = "mail:user_mailbox:readonly"
	scopeFolders     = "mail:user_mailbox.folder:read"
	scopeLabels      = "mail:user_mailbox.message:modify"
	scopeMessage     = "mail:user_mailbox.message:readonly"
	scopeAddress     = "mail:user_mailbox.message.address:read"
	scopeSubject     = "mail:user_mailbox.message.subject:read"
	scopeBody        = "mail:user_mailbox.message.body:read"
)

// message is a mail as the API returns it; texts of the body are base64url (source: Message in the SDK's mail/v1).
type message struct {
	ThreadID     keydef.Text   `json:"thread_id"`
	FolderID     keydef.Text   `json:"folder_id"`
	LabelIDs     []keydef.Text `json:"label_ids"`
	State        keydef.Text   `json:"message_state"`
	Date         keydef.Text   `json:"internal_date"`
	Subject      keydef.Text   `json:"subject"`
	From         address       `json:"head_from"`
	To           []address     `json:"to"`
	CC           []address     `json:"cc"`
	ReplyTo      keydef.Text   `json:"reply_to"`
	Preview      keydef.Text   `json:"body_preview"`
	PriorityType keydef.Text   `json:"priority_type"`
	Security     struct {
		Risky          keydef.Text `json:"is_risk"`
		Level          keydef.Text `json:"risk_banner_level"`
		Reason         keydef.Text `json:"risk_banner_reason"`
		ExternalSender keydef.Text `json:"is_header_from_external"`
		ViaDomain      keydef.Text `json:"via_domain"`
		Spam           keydef.Text `json:"spam_banner_type"`
	} `json:"security_level"`
	Text          keydef.Text `json:"body_plain_text"`
	HTML          keydef.Text `json:"body_html"`
	Calendar      keydef.Text `json:"body_calendar"`
	Attachments   []file      `json:"attachments"`
	SMTPMessageID keydef.Text `json:"smtp_message_id"`
	InReplyTo     keydef.Text `json:"in_reply_to"`
	References    keydef.Text `json:"references"`
}

type address struct {
	Address keydef.Text `json:"mail_address"`
	Name    keydef.Text `json:"name"`
}

type file struct {
	ID     keydef.Text `json:"id"`
	Name   keydef.Text `json:"filename"`
	Type   keydef.Text `json:"attachment_type"`
	Inline keydef.Text `json:"is_inline"`
}

// fetch reads a mail as far as the format needs it; the filters need what metadata has.
func fetch(ctx context.Context, rt eventcore.APIClient, mailbox, id, format string) (*message, error) {
	if format != formatText && format != formatFull {
		format = formatMetadata
	}
	path := mailboxPath(mailbox) + "/messages/" + url.PathEscape(id) + "?format=" + format
	answer, err := keydef.Get[struct {
		Message *message `json:"message"`
	}](ctx, rt, path)
	if err != nil {
		return nil, err
	}
	if answer.Message == nil {
		return nil, &eventcore.Error{
			Code: eventcore.CodePlatformError, Message: "the platform answered without the mail",
			Hint: "it may have been deleted meanwhile",
		}
	}
	return answer.Message, nil
}

// fetchScopes are the scopes that show what the format is for.
func fetchScopes(format string) []string {
	switch format {
	case formatText, formatFull:
		return []string{scopeMessage, scopeAddress, scopeSubject, scopeBody}
	case formatMetadata:
		return []string{scopeMessage, scopeAddress, scopeSubject}
	default:
		return []string{scopeMessage}
	}
}
