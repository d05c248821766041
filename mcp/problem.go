package mcp

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// problem is something that event_status has to say, and what to do about it. Its code is one of [eventcore.Code],
// or one of those below.
type problem struct {
	Code    eventcore.Code `json:"code"`
	Message string         `json:"message"`
	Hint    string         `json:"hint"`
}

// The codes of problems that are no errors of a call.
const (
	problemConnecting       eventcore.Code = "source_connecting"
	problemReconnecting     eventcore.Code = "source_reconnecting"
	problemFailed           eventcore.Code = "source_failed"
	problemOtherConnections eventcore.Code = "other_connections"
	problemStorage          eventcore.Code = "storage"
	problemOrphanedScope    eventcore.Code = "orphaned_scope"
	problemMalformed        eventcore.Code = "malformed_events"
	problemTruncated        eventcore.Code = "truncated"
)

func problemOf(err error) problem {
	e := asUserError(err)
	if e.Code == eventcore.CodeBusUnavailable && e.Hint == "" {
		return problem{e.Code, e.Message, "subscribe_event starts a bus"}
	}
	return problem{e.Code, e.Message, e.Hint}
}

// busProblems returns what the bus's own status shows to be wrong.
func busProblems(status *protocol.Status) []problem {
	problems := sourceProblems(status.Source)
	if status.Problem != "" {
		problems = append(problems, unstored(status.Problem))
	}
	if e := status.Unreadable; e != nil {
		problems = append(problems, problem{problemStorage, "events cannot be read: " + e.Message, e.Hint})
	}
	if n := status.Counters.Malformed; n > 0 {
		problems = append(problems, problem{problemMalformed, fmt.Sprintf("%d deliveries were no events and were skipped", n),
			"the bus's log says what came"})
	}
	for _, orphaned := range status.Orphans() {
		problems = append(problems, problem{problemOrphanedScope,
			fmt.Sprintf("%s may still be subscribed on the platform (%d in all), for programs that ended without cleaning up or got no answer",
				orphaned.Key, orphaned.Scopes),
			fmt.Sprintf("subscribe to %s with the params of then and unsubscribe again, which cleans up", orphaned.Key)})
	}
	return problems
}

func unstored(why string) problem {
	return problem{problemStorage, "events cannot be stored: " + why,
		"free disk space or check the state directory; Lark delivers the events again meanwhile"}
}

func sourceProblems(state source.State) []problem {
	var problems []problem
	reason := cmp.Or(state.Detail, state.LastError, "no reason is known")
	switch state.Phase {
	case source.Connected:
	case source.Failed:
		failed := problem{problemFailed, "the platform refused the connection for good: " + reason,
			"check the app's credentials and that it is enabled, then restart"}
		if state.Err != nil {
			failed = problem{state.Err.Code, state.Err.Message, cmp.Or(state.Err.Hint, failed.Hint)}
		}
		problems = append(problems, failed)
	case source.Reconnecting:
		problems = append(problems, problem{problemReconnecting,
			fmt.Sprintf("the connection to the platform is down, attempt %d is under way: %s", state.Attempt, reason),
			"it reconnects by itself, and Lark delivers again what was not acknowledged; check the network if it lasts"})
	default:
		problems = append(problems, problem{problemConnecting, "the connection to the platform is being made",
			"events come once it is there; ask again in a few seconds"})
	}
	if state.OnlineConnections > 1 {
		problems = append(problems, problem{problemOtherConnections,
			fmt.Sprintf("the app has %d connections open; each event goes to only one of them, at random", state.OnlineConnections),
			"part of the events goes to other programs or machines: stop them, or use another app"})
	}
	return problems
}

// subscriptionProblem tells of a subscription that could not be made again after the bus had gone.
func subscriptionProblem(sub *subscription, err error) problem {
	p := problemOf(err)
	p.Message = fmt.Sprintf("%s (%s) could not be made again after the bus had gone: %s", sub.ID, sub.Key.Key, p.Message)
	p.Hint = strings.TrimPrefix(p.Hint+"; ", "; ") + "it is tried again by itself, and at once by subscribe_event"
	return p
}

func truncatedProblem(sub *subscription) problem {
	return problem{problemTruncated,
		fmt.Sprintf("events of %s (%s) left the journal before they were read", sub.ID, sub.Key.Key),
		"poll more often, or have the bus retain more"}
}
