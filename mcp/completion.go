package mcp

import (
	"context"
	"strings"

	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// maxCompletions is how many values the protocol lets a completion have.
const maxCompletions = 100

// completer completes the variables of the resource templates, and the arguments of prompts.
type completer struct{}

// CompleteResourceArgument returns the keys, or the session's subscription ids, that begin with what was typed,
// then those that contain it.
func (completer) CompleteResourceArgument(
	ctx context.Context, uri string, argument mcpgo.CompleteArgument, _ mcpgo.CompleteContext,
) (*mcpgo.Completion, error) {
	var candidates []string
	switch {
	case argument.Name == "key" && (uri == keyTemplate || uri == schemaTemplate):
		candidates = keyNames()
	case argument.Name == "id" && uri == subscriptionTemplate:
		candidates = subscriptionIDs(callFrom(ctx).session)
	}
	return complete(candidates, argument.Value), nil
}

func keyNames() []string {
	var names []string
	for _, def := range eventcore.ListAll() {
		names = append(names, def.Key)
	}
	return names
}

func subscriptionIDs(s *Session) []string {
	var found []string
	for _, sub := range s.subs.all() {
		found = append(found, sub.ID)
	}
	return found
}

func complete(candidates []string, typed string) *mcpgo.Completion {
	var begin, contain []string
	for _, candidate := range candidates {
		switch i := strings.Index(strings.ToLower(candidate), strings.ToLower(typed)); {
		case i == 0:
			begin = append(begin, candidate)
		case i > 0:
			contain = append(contain, candidate)
		}
	}
	found := append(begin, contain...)
	return &mcpgo.Completion{
		Values:  found[:min(len(found), maxCompletions)],
		Total:   len(found),
		HasMore: len(found) > maxCompletions,
	}
}
