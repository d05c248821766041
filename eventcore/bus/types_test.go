package bus_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/protocol"
	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

func TestSoManyTypesAndNoMoreCanBeAskedForAtOnce(t *testing.T) {
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	b.Source.Send(t, testutil.Event(1, "t.a"))
	w := dial(t, b)
	w.send(hello)
	w.receive()
	types := func(n int) string {
		all := []string{"t.a"}
		for len(all) < n {
			all = append(all, fmt.Sprintf("t.%d", len(all)))
		}
		text, _ := json.Marshal(all)
		return string(text)
	}
	for _, request := range []string{
		`{"id":1,"fetch":{"after":0,"types":%s,"max":10}}`, `{"id":1,"count":{"after":0,"types":%s}}`,
	} {
		w.send(fmt.Sprintf(request, types(protocol.MaxTypes)))
		answer, ok := w.receive()
		found := answer.Counted != nil && answer.Counted.Events == 1 || answer.Batch != nil && len(answer.Batch.Events) == 1
		if !ok || !found {
			t.Errorf("%s with the most types: %+v", request, answer)
		}
		for _, more := range []int{protocol.MaxTypes + 1, 40_000} {
			w.send(fmt.Sprintf(request, types(more)))
			answer, ok = w.receive()
			if !ok || answer.Error == nil || answer.Error.Code != eventcore.CodeLimitReached || answer.Error.Hint == "" {
				t.Errorf("%s with %d types: %+v", request, more, answer)
			}
		}
	}
}
