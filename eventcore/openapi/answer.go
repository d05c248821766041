package openapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
)

// answer is what the platform said to one request.
type answer struct {
	status int
	header http.Header
	body   []byte

	code   int
	msg    string
	data   json.RawMessage
	logID  string
	scopes []string
	// consoleURL is where the platform sends the developer to mend a lack of scopes; "" if it names no place.
	consoleURL string
	// foreign says that the body is no answer of the platform's API, such as a proxy's page.
	foreign bool
}

// readAnswer takes a response apart.
//
// Source of the shape: larkcore.CodeError, and answers that users of the platform have posted.
func readAnswer(response *larkcore.ApiResp) answer {
	a := answer{status: response.StatusCode, header: response.Header, body: response.RawBody, logID: response.LogId()}
	var members map[string]json.RawMessage
	var said larkcore.CodeError
	if json.Unmarshal(a.body, &members) != nil || json.Unmarshal(a.body, &said) != nil || members["code"] == nil {
		a.foreign = true
		return a
	}
	a.code, a.msg = said.Code, said.Msg
	if data, ok := members["data"]; ok {
		a.data = data
	} else {
		delete(members, "code")
		delete(members, "msg")
		if rest, err := json.Marshal(members); err == nil {
			a.data = rest
		}
	}
	if said.Err != nil {
		if said.Err.LogID != "" {
			a.logID = said.Err.LogID
		}
		for _, violation := range said.Err.PermissionViolations {
			if violation != nil && violation.Subject != "" {
				a.scopes = append(a.scopes, violation.Subject)
			}
		}
		for _, help := range said.Err.Helps {
			if help != nil && isLink(help.URL) {
				a.consoleURL = help.URL
				break
			}
		}
	}
	return a
}

func isLink(text string) bool {
	parsed, err := url.Parse(text)
	return err == nil && strings.HasPrefix(parsed.Scheme, "http") && parsed.Host != "" && len(text) < 1000
}
