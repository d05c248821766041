package drive

import (
	"context"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// lookUp fills in the title and the link.
func (f *File) lookUp(ctx context.Context, rt eventcore.APIClient) error {
	metas, err := keydef.LookUpDocuments(ctx, rt, keydef.Document{Token: f.FileToken, Type: f.FileType})
	meta := metas[f.FileToken]
	f.Title, f.URL = string(meta.Title), string(meta.URL)
	return keydef.Missing("the title and link", err, keydef.DocumentsScope)
}
