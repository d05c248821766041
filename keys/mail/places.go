package mail

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// maxAllowed bounds how many names an error about an unknown one lists.
const maxAllowed = 30

// places are the folders or the labels of a mailbox: where mail is found.
type places struct {
	param string
	// list is the last part of the path that lists those of a mailbox, and scope what it needs.
	list, scope string
	// system are the ids of those that every mailbox has, by their names in lower case.
	system map[string]string
}

// The system's folders and labels. Their ids are words; the API that lists folders and labels need not be asked.
var (
	folders = places{
		param: paramFolder, list: "/folders", scope: scopeFolders,
		system: map[string]string{
			"inbox": "INBOX", "收件箱": "INBOX", "spam": "SPAM", "junk": "SPAM", "垃圾邮件": "SPAM",
			"archived": "ARCHIVED", "archive": "ARCHIVED", "已归档": "ARCHIVED", "归档": "ARCHIVED",
			"trash": "TRASH", "deleted": "TRASH", "已删除": "TRASH", "sent": "SENT", "已发送": "SENT",
			"draft": "DRAFT", "drafts": "DRAFT", "草稿": "DRAFT", "草稿箱": "DRAFT",
		},
	}
	labels = places{
		param: paramLabel, list: "/labels", scope: scopeLabels,
		system: map[string]string{
			"important": "IMPORTANT", "重要邮件": "IMPORTANT", "other": "OTHER", "其他邮件": "OTHER",
			"flagged": "FLAGGED", "已加旗标": "FLAGGED", "unread": "UNREAD", "未读": "UNREAD",
		},
	}
)

// place is one folder or label that the user made.
type place struct {
	ID   keydef.Text `json:"id"`
	Name keydef.Text `json:"name"`
}

// normalize makes the param a list of ids. It asks the platform once, and only for what is not the system's.
func (p places) normalize(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	var ids []string
	var known []place
	for _, given := range split(params[p.param]) {
		id, ok := p.system[strings.ToLower(given)]
		if !ok {
			if known == nil {
				list, err := p.fetch(ctx, rt, params[paramMailbox])
				if err != nil {
					return err
				}
				known = list
			}
			var err error
			if id, err = p.find(known, given); err != nil {
				return err
			}
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		delete(params, p.param)
		return nil
	}
	params[p.param] = strings.Join(ids, ",")
	return nil
}

// fetch lists the folders or labels of a mailbox; the list is never nil.
func (p places) fetch(ctx context.Context, rt eventcore.APIClient, mailbox string) ([]place, error) {
	answer, err := keydef.Get[struct {
		Items []place `json:"items"`
	}](ctx, rt, mailboxPath(mailbox)+p.list)
	if err != nil {
		return nil, keydef.Missing("the "+p.param+"s of the mailbox", err, p.scope)
	}
	return append([]place{}, answer.Items...), nil
}

// find returns the id of the one that is meant: by its id, or else by its name, whatever the case.
func (p places) find(known []place, given string) (string, error) {
	var named []place
	for _, k := range known {
		if string(k.ID) == given {
			return given, nil
		}
		if strings.EqualFold(strings.TrimSpace(string(k.Name)), given) {
			named = append(named, k)
		}
	}
	switch len(named) {
	case 1:
		return string(named[0].ID), nil
	case 0:
		failure := invalid(p.param, fmt.Sprintf("has %q, but the mailbox has no such %s", given, p.param),
			"give the name or the id of one that it has; names that contain a comma do not do, their ids do")
		failure.Allowed = p.allowed(known)
		return "", failure
	default:
		failure := invalid(p.param, fmt.Sprintf("has %q, and the mailbox has %d of that name", given, len(named)), "give the id of the one you mean")
		failure.Allowed = p.allowed(named)
		return "", failure
	}
}

// allowed is what can be given, as far as an error has room for it.
func (p places) allowed(known []place) []eventcore.ParamValue {
	var values []eventcore.ParamValue
	for _, k := range known[:min(len(known), maxAllowed)] {
		values = append(values, eventcore.ParamValue{Value: string(k.ID), Desc: "the " + p.param + " " + string(k.Name)})
	}
	return values
}
