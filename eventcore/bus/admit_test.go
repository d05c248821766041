package bus_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/bus"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestAConsumerOfAnotherPlatformIsRefused(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"), func(o *bus.Options) { o.Domain = "feishu" })
	for name, test := range map[string]struct {
		role, domain string
		refused      bool
	}{
		"the same platform":             {"consumer", "feishu", false},
		"another platform":              {"consumer", "lark", true},
		"a program that does not say":   {"consumer", "", false},
		"control from another platform": {"control", "lark", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, b)
			w.send(fmt.Sprintf(`{"hello":{"version":1,"role":%q,"name":"test","domain":%q}}`, test.role, test.domain))
			answer, ok := w.receive()
			if !ok || (answer.Welcome == nil) != test.refused {
				t.Fatalf("got %+v, %t; want refused: %t", answer, ok, test.refused)
			}
			if e := answer.Error; test.refused && (e.Code != eventcore.CodeBusUnavailable || !strings.Contains(e.Message, "feishu") ||
				!strings.Contains(e.Message, test.domain) || !strings.Contains(e.Hint, "LARK_DOMAIN")) {
				t.Errorf("refused with %+v", e)
			}
		})
	}
}
