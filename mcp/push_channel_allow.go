package mcp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// AllowAnyone, as an allowed sender, stands for every event that no bot caused, also one that names nobody.
const AllowAnyone = "*"

// chatPrefix begins the id of every chat, and of nothing else.
const chatPrefix = "oc_"

// CheckAllowLists returns an error, for the user, unless the lists fit the mode and each other: channel messages
// need at least one entry, because they wake an agent with other people's text, and nothing else has use for one.
func CheckAllowLists(mode PushMode, senders, chats []string) error {
	if mode != PushChannel {
		if len(senders)+len(chats) > 0 {
			return fmt.Errorf("--allow-sender and --allow-chat say who may wake the agent by --push channel; with --push %s they do nothing", mode)
		}
		return nil
	}
	if len(senders)+len(chats) == 0 {
		return errors.New("--push channel needs to know who may wake the agent, because what they write is put before it: " +
			"name people by --allow-sender ID (open_id, union_id or user_id) or whole chats by --allow-chat ID, as often as needed; " +
			"--allow-sender '*' is everyone who can reach the app")
	}
	for _, id := range senders {
		if strings.TrimSpace(id) != id || id == "" || strings.HasPrefix(id, chatPrefix) {
			return fmt.Errorf("--allow-sender %q is no person's id: use an open_id (ou_…), a union_id (on_…) or a user_id; chats go to --allow-chat", id)
		}
	}
	for _, id := range chats {
		if strings.TrimSpace(id) != id || !strings.HasPrefix(id, chatPrefix) {
			return fmt.Errorf("--allow-chat %q is no chat's id, which begins with %s; people go to --allow-sender, as does '*'", id, chatPrefix)
		}
	}
	return nil
}

// allowList says who may wake an agent.
type allowList struct{ senders, chats []string }

// passes reports whether an event from there may be pushed: its chat is allowed, or everyone who caused it is. An
// event that names neither passes only where anyone does: there is nothing that a list could vouch for. A bot passes only
// by its own id: the agent's own answers have been seen to come back, and would wake it without end, as would another
// agent's in the same chat.
func (l allowList) passes(from origin) bool {
	if !from.bot && (slices.Contains(l.senders, AllowAnyone) || from.chat != "" && slices.Contains(l.chats, from.chat)) {
		return true
	}
	for _, sender := range from.senders {
		if !slices.ContainsFunc(sender, func(id string) bool { return slices.Contains(l.senders, id) }) {
			return false
		}
	}
	return len(from.senders) > 0
}
