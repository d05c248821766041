package approval

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

const (
	paramStatus       = "status"
	paramApprovalCode = "approval_code"
	paramWithForm     = "with_form"
)

// codeForm is how the platform writes the code of a form, such as 7C468A54-8745-2245-9675-08B7C63E7A85.
var codeForm = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func narrowingParams(statuses []status) []eventcore.ParamDef {
	return []eventcore.ParamDef{
		{Name: paramStatus, Type: eventcore.ParamMulti, Values: statusValues(statuses),
			Description: "only changes to these states; without it, every change"},
		{Name: paramApprovalCode, Type: eventcore.ParamString,
			Description: "only requests filed with this form: its code, such as 7C468A54-8745-2245-9675-08B7C63E7A85, or the address " +
				"of its page in the approval administration, which has the code as definitionCode"},
		{Name: paramWithForm, Type: eventcore.ParamBool, Default: "false",
			Description: "true: also what was filled in, field by field. It costs no further call, but forms can be long"},
	}
}

// normalizer takes the code out of an address and refuses what is no code, because a subscription for it would wait
// for ever without a word.
func normalizer(key string) func(context.Context, eventcore.APIClient, map[string]string) error {
	return func(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
		text := strings.TrimSpace(params[paramApprovalCode])
		if text == "" {
			delete(params, paramApprovalCode)
			return nil
		}
		code := text
		if link, err := url.Parse(text); err == nil && link.Scheme != "" {
			code = definitionCode(link)
		}
		if !codeForm.MatchString(code) {
			return &eventcore.Error{
				Code: eventcore.CodeInvalidParams, Param: paramApprovalCode,
				Message: fmt.Sprintf("param %q of %s must be the code of a form or an address that has it", paramApprovalCode, key),
				Hint: "open the form in the approval administration: the address of the page has the code as definitionCode; " +
					"approval_code of an event is one too; a name does not do",
			}
		}
		params[paramApprovalCode] = strings.ToUpper(code)
		return nil
	}
}

func definitionCode(link *url.URL) string {
	for name, values := range link.Query() {
		if strings.EqualFold(name, "definitionCode") {
			return values[0]
		}
	}
	return ""
}

// matcher reports whether an event is among those the params ask for. One that cannot be read, or does not say what is
// asked, passes, so that it is delivered rather than lost.
func matcher(statuses []status) func(*eventcore.RawEvent, map[string]string) bool {
	return func(raw *eventcore.RawEvent, params map[string]string) bool {
		event, err := keydef.Decode[changed](raw)
		if err != nil {
			return true
		}
		return keydef.Admits(params[paramApprovalCode], strings.ToUpper(string(event.ApprovalCode))) &&
			keydef.Admits(params[paramStatus], word(statuses, event.Status))
	}
}
