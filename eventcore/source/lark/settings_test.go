package lark

import (
	"math"
	"testing"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source/frame"
)

func TestAConfigurationIsTakenWithinBounds(t *testing.T) {
	cases := []struct {
		name   string
		config *frame.ClientConfig
		want   settings
	}{
		{"none", nil, settings{2 * time.Minute, 2 * time.Minute}},
		{"empty", &frame.ClientConfig{}, settings{2 * time.Minute, 2 * time.Minute}},
		{"usual", &frame.ClientConfig{PingInterval: 90, ReconnectInterval: 30}, settings{90 * time.Second, 30 * time.Second}},
		{"smallest", &frame.ClientConfig{PingInterval: 1, ReconnectInterval: 1}, settings{time.Second, time.Second}},
		{"negative", &frame.ClientConfig{PingInterval: -1, ReconnectInterval: math.MinInt}, settings{2 * time.Minute, 2 * time.Minute}},
		{"huge", &frame.ClientConfig{PingInterval: math.MaxInt, ReconnectInterval: math.MaxInt}, settings{10 * time.Minute, 2 * time.Minute}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := defaultSettings().with(c.config)
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if got.silence() <= got.ping || got.silence() >= 2*got.ping {
				t.Errorf("silence of %v is noticed, want between one and two pings of %v", got.silence(), got.ping)
			}
		})
	}
}
