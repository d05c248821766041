package mcp

import (
	"fmt"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// PushMode says what a session does with an event as it arrives.
type PushMode string

// The push modes. Each mode but off needs something of the client as well; see [Session].
const (
	// PushAuto is resource for a subscription whose resource the client subscribed to, else log.
	PushAuto     PushMode = "auto"
	PushResource PushMode = "resource" // notifications/resources/updated
	PushLog      PushMode = "log"      // notifications/message with the event
	PushChannel  PushMode = "channel"  // notifications/claude/channel with the event, if its sender or chat is allowed
	PushOff      PushMode = "off"      // events are polled
)

// pushModes returns all modes, with what a model needs to know to choose.
func pushModes() []eventcore.ParamValue {
	return []eventcore.ParamValue{
		{Value: string(PushAuto), Desc: "as the server is set up"},
		{Value: string(PushResource), Desc: "a resource update, once the client has subscribed to the subscription's resource"},
		{Value: string(PushLog), Desc: "a log message with the event, if the client set a log level of info or lower"},
		{Value: string(PushChannel), Desc: "a channel message with the event, if the server runs with --push channel"},
		{Value: string(PushOff), Desc: "none; poll_events"},
	}
}

// ParsePushMode reads a mode as the command line writes it; empty is [PushAuto].
func ParsePushMode(text string) (PushMode, error) {
	if text == "" {
		return PushAuto, nil
	}
	var names []string
	for _, mode := range pushModes() {
		if mode.Value == text {
			return PushMode(text), nil
		}
		names = append(names, mode.Value)
	}
	return "", fmt.Errorf("push mode %q is none of %s", text, strings.Join(names, ", "))
}

// bringsEvents reports whether the mode's notifications hold the events, and do not only tell that there are some.
func (m PushMode) bringsEvents() bool { return m == PushLog || m == PushChannel }

// allows reports whether a subscription may choose a mode where the server runs in mode m: what its operator did
// not switch on stays off, and auto stands for m.
func (m PushMode) allows(choice PushMode) bool {
	switch {
	case choice == PushAuto, choice == PushOff, choice == m, m == PushChannel:
		return true
	case m == PushAuto:
		return choice != PushChannel
	}
	return false
}
