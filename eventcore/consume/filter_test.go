package consume_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/eventcore/consume"
	"github.com/larkevents/lark-events-mcp/eventcore/jq"
)

func TestAFilterIsNotBlamedForASandboxThatDoesNotStart(t *testing.T) {
	sandbox := jq.NewSandbox(func() (*exec.Cmd, error) { return nil, errors.New("no more processes") })
	defer sandbox.Close()
	_, err := consume.CompileFilter(t.Context(), `.n + 1 == 3`, &eventcore.KeyDefinition{Key: "t.a"}, sandbox)
	if !eventcore.IsCode(err, eventcore.CodeInternal) || !strings.Contains(err.Error(), "no more processes") || eventcore.AsError(err).Hint == "" {
		t.Errorf("it is refused with %v", err)
	}
}
