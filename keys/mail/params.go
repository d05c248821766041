package mail

import (
	"context"
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// The params of [messageReceived].
const (
	paramMailbox = "mailbox"
	paramFormat  = "msg_format"
	paramFolder  = "folder"
	paramLabel   = "label"
	paramFrom    = "from"
)

// The values of msg_format. The last three are formats of the platform's API as well.
const (
	formatEvent    = "event"
	formatMinimal  = "minimal"
	formatMetadata = "metadata"
	formatText     = "plain_text_full"
	formatFull     = "full"
)

// me stands for the mailbox of the user that is listened as.
const me = "me"

func receivedParams() []eventcore.ParamDef {
	return []eventcore.ParamDef{
		{
			Name: paramMailbox, Type: eventcore.ParamString, Default: me, SubscriptionKey: true,
			Description: "the mailbox to listen to: me for the user's own primary mailbox (becomes its address), or the address " +
				"of a mailbox the user has access to, such as a shared one. Each mailbox is subscribed to by itself",
		},
		{
			Name: paramFormat, Type: eventcore.ParamEnum, Default: formatMetadata,
			Description: "how much of each mail you get; more is larger and needs more scopes, but is never more than one call per mail",
			Values: []eventcore.ParamValue{
				{Value: formatEvent, Desc: "which mail, in which mailbox, and no more: about 200 bytes, and no call unless folder, label or from is set. To count mails, or to read them later by their id"},
				{Value: formatMinimal, Desc: "one call, about 400 bytes: also thread, folder, labels, state and date, and not a word that others wrote"},
				{Value: formatMetadata, Desc: "one call, about 1 KB: also subject, sender, recipients, the first 100 characters, priority, and warnings of spam and phishing. Enough to decide what to do with a mail"},
				{Value: formatText, Desc: "one call, up to 20 KB in most cases: also the body as plain text, 16,000 characters at most. To work with what a mail says"},
				{Value: formatFull, Desc: "one call, up to 60 KB and more: also the body as HTML, names and ids of attachments (not their content), a calendar invitation, and the headers of the conversation"},
			},
		},
		{
			Name: paramFolder, Type: eventcore.ParamString,
			Description: "only mail in this folder, by name or id; several with commas. Of the system: INBOX, SPAM, ARCHIVED, TRASH, SENT, DRAFT. " +
				"Others are looked up, which needs " + scopeFolders + ". Costs one call per mail",
		},
		{
			Name: paramLabel, Type: eventcore.ParamString,
			Description: "only mail with this label, by name or id; with any one of them if there are several with commas. Of the system: IMPORTANT, OTHER, FLAGGED, UNREAD. " +
				"Others are looked up, which needs " + scopeLabels + ". Costs one call per mail",
		},
		{
			Name: paramFrom, Type: eventcore.ParamString,
			Description: "only mail of this sender: an address, or a domain as @example.com; several with commas. It is the address " +
				"that the mail claims, which can be forged. Costs one call per mail",
		},
	}
}

// normalize makes the mailbox an address, and folders and labels ids; it refuses what cannot be one, because a
// subscription for it would wait for ever without a word.
func normalize(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	if err := normalizeMailbox(ctx, rt, params); err != nil {
		return err
	}
	if err := normalizeSenders(params); err != nil {
		return err
	}
	if err := folders.normalize(ctx, rt, params); err != nil {
		return err
	}
	return labels.normalize(ctx, rt, params)
}

func normalizeMailbox(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	given := strings.ToLower(strings.TrimSpace(params[paramMailbox]))
	if given == "" || given == me {
		address, err := fetchPrimaryAddress(ctx, rt)
		if err != nil {
			return err
		}
		given = address
	}
	if !isAddress(given) {
		return invalid(paramMailbox, "must be me or the address of a mailbox", "give an address such as support@example.com; a person's name does not do")
	}
	params[paramMailbox] = given
	return nil
}

// fetchPrimaryAddress asks for the address of the user's mailbox.
func fetchPrimaryAddress(ctx context.Context, rt eventcore.APIClient) (string, error) {
	profile, err := keydef.Get[struct {
		Address keydef.Text `json:"primary_email_address"`
		Reason  keydef.Text `json:"not_found_reason"`
	}](ctx, rt, mailboxPath(me)+"/profile")
	if err != nil {
		return "", keydef.Missing("the address of the user's mailbox", err, scopeProfile)
	}
	address := strings.ToLower(strings.TrimSpace(string(profile.Address)))
	if isAddress(address) {
		return address, nil
	}
	failure := &eventcore.Error{
		Code: eventcore.CodePlatformError, Param: paramMailbox, Message: "the user has no mailbox of their own in Lark Mail",
		Hint: "let an administrator set one up, or give the address of a mailbox the user has access to as " + paramMailbox,
	}
	if profile.Reason != "" {
		failure.Message += ": the platform says " + string(profile.Reason)
	}
	return "", failure
}

func normalizeSenders(params map[string]string) error {
	senders := split(strings.ToLower(params[paramFrom]))
	if len(senders) == 0 {
		delete(params, paramFrom)
		return nil
	}
	for _, sender := range senders {
		if !isAddress(sender) && !isAddress("x"+sender) {
			return invalid(paramFrom, fmt.Sprintf("has %q, which is neither an address nor a domain", sender),
				"give an address such as ada@example.com, or a domain as @example.com; a person's name does not do")
		}
	}
	params[paramFrom] = strings.Join(senders, ",")
	return nil
}

// isAddress reports whether a text can be a mail address: something before and after one @, and nothing that could
// make it anything else.
func isAddress(text string) bool {
	local, domain, ok := strings.Cut(text, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(text, " \t\r\n<>/?#,\"") && !strings.Contains(domain, "@")
}

func invalid(param, problem, hint string) *eventcore.Error {
	return &eventcore.Error{
		Code: eventcore.CodeInvalidParams, Param: param, Hint: hint,
		Message: fmt.Sprintf("param %q of %s %s", param, messageReceived, problem),
	}
}
