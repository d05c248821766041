package lark

import (
	"math"
	"testing"
	"time"

	"github.com/larksuite/oapi-sdk-go/v3/ws"
)

func TestAConfigurationIsTakenWithinBounds(t *testing.T) {
	cases := []struct {
		name   string
		config *ws.ClientConfig
		want   settings
	}{
		{"none", nil, settings{2 * time.Minute, 2 * time.Minute}},
		{"empty", &ws.ClientConfig{}, settings{2 * time.Minute, 2 * time.Minute}},
		{"usual", &ws.ClientConfig{PingInterval: 90, ReconnectInterval: 30}, settings{90 * time.Second, 30 * time.Second}},
		{"smallest", &ws.ClientConfig{PingInterval: 1, ReconnectInterval: 1}, settings{time.Second, time.Second}},
		{"negative", &ws.ClientConfig{PingInterval: -1, ReconnectInterval: math.MinInt}, settings{2 * time.Minute, 2 * time.Minute}},
		{"huge", &ws.ClientConfig{PingInterval: math.MaxInt, ReconnectInterval: math.MaxInt}, settings{10 * time.Minute, 2 * time.Minute}},
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
