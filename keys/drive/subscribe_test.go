package drive

import (
	"errors"
	"strings"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

func TestSubscribeCalls(t *testing.T) {
	files := "/open-apis/drive/v1/files/"
	for _, def := range Keys() {
		params := map[string]string{paramFileToken: docToken, paramFileType: "docx", paramTableID: "tblOaqBWfGe1x2y3"}
		on, off := "POST "+files+docToken+"/subscribe?file_type=docx", "DELETE "+files+docToken+"/delete_subscribe?file_type=docx"
		body := ""
		switch def.Key {
		case created:
			params[paramFileType] = "folder"
			on = "POST " + files + docToken + "/subscribe?file_type=folder&event_type=file.created_in_folder_v1"
			off = "DELETE " + files + docToken + "/delete_subscribe?file_type=folder&event_type=file.created_in_folder_v1"
		case commentAdded:
			on, body = "POST /open-apis/drive/v1/user/subscription", ` {"event_type":"drive.notice.comment_add_v1"}`
			off = "DELETE /open-apis/drive/v1/user/remove_subscription?event_type=drive.notice.comment_add_v1"
		}
		api := &keytest.API{Answers: map[string]string{on: `{}`, off: `{}`}}
		cleanup, err := def.PreConsume(t.Context(), api, params)
		if err != nil {
			t.Fatalf("%s: %v", def.Key, err)
		}
		api.Want(t, on+body)
		if err := cleanup(); err != nil {
			t.Errorf("%s: %v", def.Key, err)
		}
		api.Want(t, off)
		if err := def.Cleanup(t.Context(), api, params); err != nil {
			t.Errorf("%s: %v", def.Key, err)
		}
		api.Want(t, off)
	}
}

func TestTokensAreEscaped(t *testing.T) {
	call := document().call("POST", "subscribe")(map[string]string{paramFileToken: "a/../b?c", paramFileType: "x&y"})
	if call.Path != "/open-apis/drive/v1/files/a%2F..%2Fb%3Fc/subscribe?file_type=x%26y" {
		t.Error(call.Path)
	}
}

func TestRefusedSubscriptionsSayWhatHelps(t *testing.T) {
	def := key(t, edit)
	plain := errors.New("no network")
	for _, tt := range []struct {
		err  error
		code eventcore.Code
		says string
	}{
		{&eventcore.Error{Code: eventcore.CodePlatformError, PlatformCode: codeForbidden}, eventcore.CodePermissionDenied, "right to manage"},
		{&eventcore.Error{Code: eventcore.CodePlatformError, PlatformCode: codeNotFound}, eventcore.CodePlatformError, "file_type wiki"},
		{&eventcore.Error{Code: eventcore.CodePlatformError, PlatformCode: 1, Hint: "as it was"}, eventcore.CodePlatformError, "as it was"},
		{plain, eventcore.CodeInternal, "no network"},
	} {
		cleanup, err := def.PreConsume(t.Context(), &keytest.API{Refuse: tt.err}, map[string]string{})
		if cleanup != nil || !errors.Is(err, tt.err) || eventcore.AsError(err).Code != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v gives %v", tt.err, err)
		}
	}
}
