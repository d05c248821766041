package task

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
	paramChange   = "change"
	paramTaskGUID = "task_guid"
)

// guidForm is how the platform writes the id of a task, such as 83912691-2e43-47fc-94a4-d512e03984fa.
var guidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func params() []eventcore.ParamDef {
	return []eventcore.ParamDef{
		{Name: paramChange, Type: eventcore.ParamMulti, Values: changeValues(),
			Description: "only events with at least one of these changes; without it, every change"},
		{Name: paramTaskGUID, Type: eventcore.ParamString,
			Description: "only this task: its guid, such as 83912691-2e43-47fc-94a4-d512e03984fa, or its link; the number that people see (t123456) does not do"},
	}
}

// normalize takes the guid out of a link and refuses what is no guid, because a subscription for it would wait for
// ever without a word.
func normalize(_ context.Context, _ eventcore.APIClient, params map[string]string) error {
	text := strings.TrimSpace(params[paramTaskGUID])
	if text == "" {
		delete(params, paramTaskGUID)
		return nil
	}
	guid := text
	if link, err := url.Parse(text); err == nil && link.Scheme != "" {
		guid = link.Query().Get("guid")
	}
	if guid = strings.ToLower(guid); !guidForm.MatchString(guid) {
		return &eventcore.Error{
			Code: eventcore.CodeInvalidParams, Param: paramTaskGUID,
			Message: fmt.Sprintf("param %q of %s must be the guid of a task or a link to one", paramTaskGUID, taskUpdated),
			Hint:    "copy the link of the task, which has the guid, or take task_guid of an event; a title or a number does not do",
		}
	}
	params[paramTaskGUID] = guid
	return nil
}

// match reports whether an event is among those the params ask for. One that cannot be read, or does not say what is
// asked, passes, so that it is delivered rather than lost.
func match(raw *eventcore.RawEvent, params map[string]string) bool {
	event, err := keydef.Decode[updateEvent](raw)
	if err != nil {
		return true
	}
	return keydef.Admits(params[paramTaskGUID], strings.ToLower(string(event.TaskGUID))) &&
		keydef.Admits(params[paramChange], words(event.Types)...)
}
