package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// query reads the data member of the answer of an API that is asked by POST into a T.
func query[T any](ctx context.Context, rt eventcore.APIClient, path string, body any) (*T, error) {
	if rt == nil {
		return keydef.Get[T](ctx, nil, path) // the error of having no API
	}
	data, err := rt.CallAPI(ctx, http.MethodPost, path, body)
	if err != nil {
		return nil, err
	}
	var into T
	if err := json.Unmarshal(data, &into); err != nil {
		return nil, &eventcore.Error{
			Code: eventcore.CodePlatformError, Message: fmt.Sprintf("the answer of POST %s cannot be read: %v", path, err),
			Hint: "the event is complete but for that", Cause: err,
		}
	}
	return &into, nil
}

// metaPath answers what a file is called and where it is.
const metaPath = "/open-apis/drive/v1/metas/batch_query"

type metaRequest struct {
	Docs    []metaDoc `json:"request_docs"`
	WithURL bool      `json:"with_url"`
}

type metaDoc struct {
	Token string `json:"doc_token"`
	Type  string `json:"doc_type"`
}

// lookUp fills in the title and the link.
func (f *File) lookUp(ctx context.Context, rt eventcore.APIClient) error {
	type answer struct {
		Metas []struct {
			Title keydef.Text `json:"title"`
			URL   keydef.Text `json:"url"`
		} `json:"metas"`
		Failed []struct {
			Code keydef.Text `json:"code"`
		} `json:"failed_list"`
	}
	got, err := query[answer](ctx, rt, metaPath, metaRequest{Docs: []metaDoc{{f.FileToken, f.FileType}}, WithURL: true})
	switch {
	case err != nil:
	case len(got.Metas) > 0:
		f.Title, f.URL = string(got.Metas[0].Title), string(got.Metas[0].URL)
	case len(got.Failed) > 0:
		err = &eventcore.Error{
			Code: eventcore.CodePlatformError, PlatformCode: int(got.Failed[0].Code.Int()),
			Message: "the platform refused the file: code " + string(got.Failed[0].Code),
			Hint:    "the bot or user must be able to read the file",
		}
	default:
		err = &eventcore.Error{Code: eventcore.CodePlatformError, Message: "the platform knows no such file", Hint: "it may be deleted"}
	}
	return keydef.Missing("the title and link", err, "drive:drive.metadata:readonly")
}
