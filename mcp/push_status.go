package mcp

import (
	mcpgo "github.com/mark3labs/mcp-go/mcp"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// watchSource tells the client of what keeps events from coming, until the session ends: that the status is another,
// if it subscribed to that resource, and, where events are pushed as log messages, that they cannot be stored.
func (s *Session) watchSource(consumer Consumer) {
	last := consumer.Source()
	for {
		state, err := consumer.NextSource(s.life, last)
		if err != nil {
			return
		}
		if push := s.server.opts.Push; push != PushOff {
			if state.Phase != last.Phase || state.Unstored != last.Unstored {
				s.resourceUpdated(statusURI)
			}
			if push == PushAuto || push == PushLog {
				s.logUnstored(last, state)
			}
		}
		last = state
	}
}

// logUnstored tells when the first event could not be stored, and when one could again.
func (s *Session) logUnstored(last, state source.State) {
	level, tell := mcpgo.LoggingLevelError, unstored(state.Unstored)
	switch {
	case (state.Unstored == "") == (last.Unstored == ""):
		return
	case state.Unstored == "":
		level = mcpgo.LoggingLevelInfo
		tell = problem{problemStorage, "events are stored again", "nothing is to be done; Lark delivers what could not be stored again"}
	}
	if !level.ShouldSendTo(s.GetLogLevel()) {
		return
	}
	line, err := encodeNotification("notifications/message", struct {
		Level  mcpgo.LoggingLevel `json:"level"`
		Logger string             `json:"logger"`
		Data   map[string]problem `json:"data"`
	}{level, logger, map[string]problem{"problem": tell}})
	if err != nil {
		s.logger.Error("a problem could not be encoded", "error", err)
		return
	}
	_ = s.out.send(s.life, line) // the client may be gone
}
