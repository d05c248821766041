package mcp

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

const (
	defaultListLimit = 20
	maxListLimit     = 100
	// overviewBytes bounds the content of a listing for which nothing was asked. The answer holds the content
	// twice, once as text with its quotes escaped, and is to stay under 8 KB in all.
	overviewBytes = 3400
)

func listEventKeys() tool {
	return tool{
		name:  "list_event_keys",
		title: "List event keys",
		description: "Find event keys: what can be listened to. Pass query (words such as \"message reaction\") or domain; " +
			"without either, all domains and the most used keys. Next: describe_event_key.",
		arguments: []argument{
			{name: "domain", kind: kindText, description: "only keys of this domain, e.g. im"},
			{name: "query", kind: kindText, description: "what happens, in words, English or Chinese; best match first"},
			{name: "limit", kind: kindInteger, min: 1, max: maxListLimit, fallback: defaultListLimit, description: "page size"},
			{name: "cursor", kind: kindText, description: "next_cursor of the page before"},
		},
		output: outputSchema(`"keys":{"type":"array","items":{"type":"object","properties":{"key":{"type":"string"},`+
			`"title":{"type":"string"},"description":{"type":"string"},"auth":{"type":"array","items":{"type":"string"}},`+
			`"params":{"type":"array","items":{"type":"string"}}}}},`+
			`"domains":{"type":"array","items":{"type":"object","properties":{"name":{"type":"string"},"keys":{"type":"integer"},"description":{"type":"string"}}}},`+
			`"next_cursor":{"type":"string"}`, "keys", "domains"),
		annotations: lookingOnly(false),
		run:         runListEventKeys,
	}
}

type keyPage struct {
	Keys       []keySummary  `json:"keys"`
	Domains    []domainCount `json:"domains"`
	NextCursor string        `json:"next_cursor,omitempty"`
}

func runListEventKeys(_ context.Context, session *Session, args arguments) (any, error) {
	query, domain := args.text("query"), args.text("domain")
	var defs []*eventcore.KeyDefinition
	if query != "" {
		defs = session.server.keys().Find(query)
	} else {
		defs = byWant(eventcore.ListAll())
	}
	if domain != "" {
		domains := countDomains(eventcore.ListAll())
		if !slices.ContainsFunc(domains, func(d domainCount) bool { return d.Name == domain }) {
			return nil, unknownDomain(domain, domains)
		}
		defs = slices.DeleteFunc(defs, func(def *eventcore.KeyDefinition) bool { return def.Domain() != domain })
	}
	start, err := listStart(args.text("cursor"), query, domain)
	if err != nil {
		return nil, err
	}
	limit := args.integer("limit")
	page := &keyPage{Keys: []keySummary{}, Domains: countDomains(defs)}
	if query != "" {
		page.Domains = withoutDescriptions(page.Domains)
	}
	budget := -1
	if query == "" && domain == "" && !args.has("limit") {
		budget = overviewBytes - encodedSize(page.Domains)
	}
	next := min(start, len(defs))
	for next < len(defs) && len(page.Keys) < limit {
		summary := summarize(defs[next])
		if budget >= 0 {
			if budget -= encodedSize(summary) + 1; budget < 0 && len(page.Keys) > 0 {
				break
			}
			budget = max(budget, 0)
		}
		page.Keys = append(page.Keys, summary)
		next++
	}
	if next < len(defs) {
		page.NextCursor = listCursor(next, query, domain)
	}
	return page, nil
}

// withoutDescriptions keeps the answer to a search small: it is about the keys.
func withoutDescriptions(domains []domainCount) []domainCount {
	for i := range domains {
		domains[i].Description = ""
	}
	return domains
}

func unknownDomain(domain string, domains []domainCount) error {
	e := invalidArgument("domain", fmt.Sprintf("names no domain: %q", clip(domain, 100)), "", nil)
	names := make([]string, len(domains))
	for i, d := range domains {
		names[i] = d.Name
		e.Allowed = append(e.Allowed, eventcore.ParamValue{Value: d.Name, Desc: cmp.Or(d.Description, fmt.Sprintf("%d keys", d.Keys))})
	}
	e.Hint = "use one of " + strings.Join(names, ", ") + "; or search in all of them with query"
	return e
}

// A list cursor is the number of keys before the page, with a mark of the question that it belongs to.

func listCursor(next int, query, domain string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", next, questionMark(query, domain)))
}

func listStart(cursor, query, domain string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	invalid := &eventcore.Error{
		Code: eventcore.CodeInvalidCursor, Message: fmt.Sprintf("%q is not a cursor of this listing", clip(cursor, 80)),
		Hint: "pass next_cursor as it was given, with the same query and domain; leave it out to begin anew",
	}
	plain, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return 0, invalid
	}
	number, mark, _ := strings.Cut(string(plain), ".")
	start, err := strconv.Atoi(number)
	if err != nil || start < 0 || mark != questionMark(query, domain) {
		return 0, invalid
	}
	return start, nil
}

func questionMark(query, domain string) string {
	hash := fnv.New32a()
	fmt.Fprintf(hash, "%s\x00%s", query, domain)
	return strconv.FormatUint(uint64(hash.Sum32()), 36)
}

func encodedSize(v any) int {
	text, err := encode(v)
	if err != nil {
		return 0
	}
	return len(text)
}
