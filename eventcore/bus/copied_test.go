package bus_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore/testutil"
)

// Under load most of what a consumer costs the bus would be that copy.
func TestALongAnswerFromMemoryIsNotCopied(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a named pipe is written to from one place at a time")
	}
	b := testutil.StartBus(t, testutil.Home(t).App("cli_test"))
	events := testutil.Events(1, 64, "t.a")
	for i := range events {
		events[i].Payload = json.RawMessage(`{"x":"` + strings.Repeat("x", 64<<10) + `"}`)
	}
	b.Source.Send(t, events...)
	w := dial(t, b)
	w.send(hello)
	w.receive()
	const answers = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	size := 0
	for range answers {
		w.send(`{"id":1,"fetch":{"after":0,"max":100}}`)
		for line, err := w.in.ReadSlice('\n'); ; line, err = w.in.ReadSlice('\n') {
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				t.Fatal(err)
			}
			size += len(line)
			if err == nil && strings.Contains(string(line), `"next":64`) {
				break
			}
		}
	}
	runtime.ReadMemStats(&after)
	if allocated := int(after.TotalAlloc - before.TotalAlloc); size < answers*len(events)<<16 || allocated > size/4 {
		t.Errorf("%d answers of %d bytes together took %d bytes of memory", answers, size, allocated)
	}
}
