package bus

import (
	"log/slog"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/source"
)

// A source tells of a refusal a moment before it ends with it. Consumers hear of it at once, and may ask for another try.
func TestAnotherTryCanBeAskedForBeforeTheSourceHasEnded(t *testing.T) {
	refusal := &eventcore.Error{Code: eventcore.CodePlatformError, Message: "the app is disabled"}
	for name, steps := range map[string]struct {
		asks   string // before the source's end, after it
		phase  source.Phase
		tokens int
	}{
		"nobody asks":     {"", source.Failed, 0},
		"before its end":  {"b", source.Connecting, 1},
		"twice before":    {"bb", source.Connecting, 1},
		"after its end":   {"a", source.Connecting, 1},
		"twice after":     {"aa", source.Connecting, 1},
		"before and then": {"ba", source.Connecting, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSourceState(slog.New(slog.DiscardHandler))
			s.set(source.State{Phase: source.Failed, Err: refusal})
			ask := func(when rune) {
				for _, one := range steps.asks {
					if one == when {
						s.askRetry()
						if state, _ := s.get(); state.Phase == source.Failed {
							t.Error("who asked is told of the old refusal")
						}
					}
				}
			}
			ask('b')
			s.fail(refusal)
			ask('a')
			if state, _ := s.get(); state.Phase != steps.phase || len(s.retry) != steps.tokens {
				t.Errorf("the source is %s, with %d tries asked for; want %s and %d", state.Phase, len(s.retry), steps.phase, steps.tokens)
			}
		})
	}
}
