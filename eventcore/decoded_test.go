package eventcore_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

func TestHooksShareWhatTheyDecodeIfTheyAreTold(t *testing.T) {
	type one struct{ n int64 }
	type other struct{}
	var calls atomic.Int64
	decode := func() (*one, error) { return &one{calls.Add(1)}, nil }

	alone := &eventcore.RawEvent{}
	for want := range int64(2) {
		if got, err := eventcore.Decoded(alone, decode); err != nil || got.n != want+1 {
			t.Errorf("not shared: %v %v", got, err)
		}
	}
	shared := &eventcore.RawEvent{}
	shared.ShareDecoding()
	for range 2 {
		if got, err := eventcore.Decoded(shared, decode); err != nil || got.n != 3 {
			t.Errorf("shared: %v %v", got, err)
		}
	}
	broken := errors.New("no such event")
	for range 2 {
		if got, err := eventcore.Decoded(shared, func() (*other, error) { return nil, broken }); got != nil || err != broken {
			t.Errorf("another type: %v %v", got, err)
		}
	}
}
