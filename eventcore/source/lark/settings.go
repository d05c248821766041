package lark

import (
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

// settings is what the platform configures of a connection.
type settings struct {
	// ping is the time between two pings.
	ping time.Duration
	// reconnect is the longest wait between two attempts.
	reconnect time.Duration
}

// The bounds keep a wrong configuration from turning into a busy loop or a connection whose death goes unnoticed.
const (
	defaultPing      = 2 * time.Minute // the SDK's own default
	shortestPing     = time.Second
	longestPing      = 10 * time.Minute
	defaultReconnect = 2 * time.Minute // the SDK's own default, and the longest wait we accept
	leastReconnect   = firstWait
)

func defaultSettings() settings {
	return settings{ping: defaultPing, reconnect: defaultReconnect}
}

// with returns the settings changed by a ClientConfig, which the endpoint's answer or a pong may carry. Its
// numbers are seconds; zero and below leave what was set before.
func (s settings) with(config *frame.ClientConfig) settings {
	if config == nil {
		return s
	}
	if config.PingInterval > 0 {
		s.ping = clampSeconds(config.PingInterval, shortestPing, longestPing)
	}
	if config.ReconnectInterval > 0 {
		s.reconnect = clampSeconds(config.ReconnectInterval, leastReconnect, defaultReconnect)
	}
	return s
}

// silence is how long nothing may arrive before the connection counts as dead. The answer to a ping sent at the
// end of one interval has half an interval to arrive, and a death is noticed within two.
func (s settings) silence() time.Duration { return s.ping * 3 / 2 }

func clampSeconds(seconds int, least, most time.Duration) time.Duration {
	// Compared as seconds first, so that a huge number does not overflow.
	if seconds > int(most/time.Second) {
		return most
	}
	return max(least, time.Duration(seconds)*time.Second)
}
