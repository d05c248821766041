package mcp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// wantedKeys are the keys that most agents want, the most wanted first: what a listing without a question begins
// with. A key that is not registered is passed over.
func wantedKeys() []string {
	return []string{
		"im.message.receive_v1",
		"card.action.trigger",
		"im.message.reaction.created_v1",
		"im.chat.member.bot.added_v1",
		"calendar.calendar.event.changed_v4",
		"mail.user_mailbox.event.message_received_v1",
		"drive.notice.comment_add_v1",
		"minutes.minute.generated_v1",
		"approval.instance.status_changed_v4",
		"task.task.update_user_access_v2",
		"vc.meeting.participant_meeting_ended_v1",
		"event.any",
	}
}

// keySummary is a key in a listing.
type keySummary struct {
	Key         string   `json:"key"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Auth        []string `json:"auth"`
	Params      []string `json:"params"`
}

// domainCount is a domain, and how many keys of it there are.
type domainCount struct {
	Name        string `json:"name"`
	Keys        int    `json:"keys"`
	Description string `json:"description,omitempty"`
}

// maxSummary bounds a description in a listing, in bytes; describe_event_key has all of it.
const maxSummary = 200

func summarize(def *eventcore.KeyDefinition) keySummary {
	summary := keySummary{
		Key: def.Key, Title: cmp.Or(def.DisplayName, def.Key), Description: firstSentence(def.Description, maxSummary),
		Auth: append([]string{}, def.AuthTypes...), Params: []string{},
	}
	for _, p := range def.Params {
		summary.Params = append(summary.Params, p.Name)
	}
	return summary
}

// countDomains counts the keys of each domain, sorted by name.
func countDomains(defs []*eventcore.KeyDefinition) []domainCount {
	counts := map[string]int{}
	for _, def := range defs {
		counts[def.Domain()]++
	}
	domains := make([]domainCount, 0, len(counts))
	for name, keys := range counts {
		domains = append(domains, domainCount{name, keys, eventcore.DomainDescription(name)})
	}
	slices.SortFunc(domains, func(a, b domainCount) int { return strings.Compare(a.Name, b.Name) })
	return domains
}

// byWant returns the definitions with the wanted ones first, the others in their order.
func byWant(defs []*eventcore.KeyDefinition) []*eventcore.KeyDefinition {
	wanted := wantedKeys()
	rank := func(def *eventcore.KeyDefinition) int {
		if i := slices.Index(wanted, def.Key); i >= 0 {
			return i
		}
		return len(wanted)
	}
	sorted := slices.Clone(defs)
	slices.SortStableFunc(sorted, func(a, b *eventcore.KeyDefinition) int { return cmp.Compare(rank(a), rank(b)) })
	return sorted
}

// firstSentence returns the first sentence of text, or as many of its bytes as fit.
func firstSentence(text string, limit int) string {
	if i := strings.Index(text, ". "); i >= 0 {
		text = text[:i+1]
	}
	return clip(text, limit)
}
