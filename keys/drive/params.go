package drive

import (
	"context"
	"fmt"
	"net/url"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// normalize makes of what the caller wrote a token and a type that the subscribe call takes: links are read, and a
// wiki page becomes the document in it. What a link says of the type counts more than the param.
func (t target) normalize(ctx context.Context, rt eventcore.APIClient, params map[string]string) error {
	ref, ok := parseReference(params[paramFileToken])
	if !ok {
		return notAFile(t.noun, t.example)
	}
	if given := params[paramFileType]; given != "" && !ref.isLink && ref.kind != typeWiki {
		ref.kind = given
	}
	switch {
	case ref.kind == "":
		return &eventcore.Error{
			Code: eventcore.CodeInvalidParams, Param: paramFileType, Allowed: t.types,
			Message: "a token alone does not tell what kind of file it is",
			Hint:    "give file_type as well, or the file's link as file_token",
		}
	case ref.kind == typeWiki && t.lists(typeWiki):
		var err error
		if ref, err = resolveWiki(ctx, rt, ref.token); err != nil {
			return err
		}
	}
	if ref.kind == typeWiki || !t.lists(ref.kind) {
		return &eventcore.Error{
			Code: eventcore.CodeInvalidParams, Param: paramFileToken, Allowed: t.types,
			Message: fmt.Sprintf("file_token is of type %s, but must name %s", ref.kind, t.noun),
			Hint:    t.elsewhere,
		}
	}
	params[paramFileToken], params[paramFileType] = ref.token, ref.kind
	return nil
}

func notAFile(noun, example string) error {
	return &eventcore.Error{
		Code: eventcore.CodeInvalidParams, Param: paramFileToken,
		Message: "file_token is neither a link to " + noun + " nor a token",
		Hint:    "open it in a browser and copy the address, such as " + example + "; a title does not do",
	}
}

// resolveWiki returns the document in a page of a wiki. Source: wiki/v2 Node, where obj_token and obj_type are the
// document's also if the page is a shortcut.
func resolveWiki(ctx context.Context, rt eventcore.APIClient, token string) (reference, error) {
	type answer struct {
		Node struct {
			Token keydef.Text `json:"obj_token"`
			Type  keydef.Text `json:"obj_type"`
		} `json:"node"`
	}
	got, err := keydef.Get[answer](ctx, rt, "/open-apis/wiki/v2/spaces/get_node?token="+url.QueryEscape(token))
	if err != nil {
		return reference{}, keydef.Missing("the document in the wiki page", err, "wiki:node:read or wiki:wiki:readonly")
	}
	if got.Node.Token == "" || got.Node.Type == "" {
		return reference{}, &eventcore.Error{
			Code: eventcore.CodePlatformError, Param: paramFileToken,
			Message: "the platform names no document in the wiki page " + token,
			Hint:    "give the link to the document itself: in the page's menu, copy the link of the original",
		}
	}
	return reference{token: string(got.Node.Token), kind: string(got.Node.Type)}, nil
}

// match reports whether an event is of the file that the params name. One that names none, or cannot be read, passes,
// so that it is delivered rather than lost.
func (t target) match(raw *eventcore.RawEvent, params map[string]string) bool {
	type event struct {
		File   keydef.Text `json:"file_token"`
		Folder keydef.Text `json:"folder_token"`
		Table  keydef.Text `json:"table_id"`
	}
	in, err := keydef.Decode[event](raw)
	if err != nil {
		return true
	}
	token := in.File
	if t.fixed == typeFolder {
		token = in.Folder
	}
	return keydef.Admits(params[paramFileToken], token) && keydef.Admits(params[paramTableID], in.Table)
}
