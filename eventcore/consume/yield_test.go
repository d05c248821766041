package consume

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// Two consumers with wrong credentials each end the other's bus. That they do it less and less often is what matters.
func TestAConsumerYieldsLongerEachTimeItsBusWasRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		refused, served := &link{source: source.State{Phase: source.Failed}}, &link{source: source.State{Phase: source.Connected}}
		waits := func(l *link) time.Duration {
			began := time.Now()
			if err := c.yieldAfter(l); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		want := time.Second
		for range 15 {
			if got := waits(refused); got != want {
				t.Errorf("it waited %s, want %s", got, want)
			}
			want = min(2*want, 10*time.Minute)
		}
		if got := waits(served); got != 0 {
			t.Errorf("after a bus that was connected it waited %s", got)
		}
		if got := waits(refused); got != time.Second {
			t.Errorf("after that it waited %s, want to begin anew", got)
		}
		c.close()
		if c.yieldAfter(refused) == nil {
			t.Error("a closed client waits")
		}
	})
}
