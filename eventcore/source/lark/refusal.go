package lark

import (
	"errors"
	"fmt"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// codeWrongDomain is the endpoint's code for an app of the other platform, Lark for Feishu or the reverse, as
// users report it (langbot-app/LangBot issue 2218).
const codeWrongDomain = 1000040351

// errTooManyConnections is wrapped by a handshake that failed because the app has all its connections open
// already. Others may close theirs, so it is passing, but not soon.
var errTooManyConnections = errors.New("the app has as many connections open as the platform allows (50)")

// refused is the final refusal of an endpoint; said is what the platform said, quoted.
func refused(code int, said string) error {
	e := &eventcore.Error{
		Code:         eventcore.CodePlatformError,
		PlatformCode: code,
		Message:      fmt.Sprintf("the platform refused the long connection with code %d%s", code, said),
		Hint: "check LARK_APP_ID and LARK_APP_SECRET against the developer console (Credentials & Basic Info); there, " +
			"also check that the app is enabled, has a published version, and receives events through a long " +
			"connection (Events & Callbacks)",
	}
	if code == codeWrongDomain {
		e.Hint = "the app belongs to the other platform: set LARK_DOMAIN to lark for an app of open.larksuite.com, and " +
			"to feishu for one of open.feishu.cn"
	}
	return e
}

// forbidden is the final refusal of a handshake.
func forbidden(status int, said string) error {
	return &eventcore.Error{
		Code:         eventcore.CodePlatformError,
		PlatformCode: status,
		Message:      fmt.Sprintf("the platform forbids this app the long connection (handshake status %d)%s", status, said),
		Hint: "check in the developer console that the app behind LARK_APP_ID is enabled and receives events through a " +
			"long connection (Events & Callbacks)",
	}
}

// notPlatform is the answer of a server that knows no long connection.
func notPlatform(baseURL string) error {
	return &eventcore.Error{
		Code:    eventcore.CodePlatformError,
		Message: fmt.Sprintf("%s does not offer a long connection (HTTP 404)", baseURL),
		Hint:    "set LARK_DOMAIN to feishu, to lark, or to the base URL of an open platform, without a path",
	}
}

func badBaseURL(baseURL string, err error) error {
	return &eventcore.Error{
		Code:    eventcore.CodePlatformError,
		Message: fmt.Sprintf("%q is no base URL", baseURL),
		Hint:    "set LARK_DOMAIN to feishu, to lark, or to a base URL such as https://open.feishu.cn",
		Cause:   err,
	}
}
