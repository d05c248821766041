package keydef

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// DocumentsScope lets the app or the user read titles and links of documents.
const DocumentsScope = "drive:drive.metadata:readonly"

const (
	// maxDocuments is how many documents the platform describes in one call.
	maxDocuments = 200
	// maxRefused is how many documents an error names.
	maxRefused = 5
)

// Document names a document by its token and its type, such as docx; an empty type is one that is not known.
type Document struct {
	Token string `json:"doc_token"`
	Type  string `json:"doc_type"`
}

// usualType is what a document of unknown type is taken for first, otherTypes are tried if the platform knows no such.
const usualType = "docx"

func otherTypes() []string { return []string{"sheet", "bitable", "slides", "file", "doc", "mindnote"} }

// DocumentMeta is what a document is called and where it is.
type DocumentMeta struct {
	Title Text `json:"title"`
	URL   Text `json:"url"`
}

// LookUpDocuments returns titles and links by token, of the first 200 documents. Those that the platform does not
// describe are missing from the map and named by the error, beside which the map is good.
func LookUpDocuments(ctx context.Context, rt eventcore.APIClient, documents ...Document) (map[string]DocumentMeta, error) {
	documents = documents[:min(len(documents), maxDocuments)]
	if len(documents) == 0 {
		return nil, nil
	}
	found := described{metas: map[string]DocumentMeta{}, codes: map[string]Text{}}
	var asked, again []Document
	for _, d := range documents {
		asked = append(asked, Document{d.Token, cmp.Or(d.Type, usualType)})
	}
	if err := found.ask(ctx, rt, asked); err != nil {
		return nil, err
	}
	for _, d := range documents {
		if _, ok := found.metas[d.Token]; ok || d.Type != "" {
			continue
		}
		for _, kind := range otherTypes() {
			again = append(again, Document{d.Token, kind})
		}
	}
	if len(again) > 0 {
		if err := found.ask(ctx, rt, again[:min(len(again), maxDocuments)]); err != nil {
			return found.metas, err
		}
	}
	return found.metas, found.refused(documents)
}

// described is what the platform says of documents: what they are, or the first code for which it does not say it.
type described struct {
	metas map[string]DocumentMeta
	codes map[string]Text
}

func (d *described) ask(ctx context.Context, rt eventcore.APIClient, documents []Document) error {
	request := struct {
		Docs    []Document `json:"request_docs"`
		WithURL bool       `json:"with_url"`
	}{documents, true}
	got, err := Ask[struct {
		Metas []struct {
			Token Text `json:"doc_token"`
			DocumentMeta
		} `json:"metas"`
		Failed []struct {
			Token Text `json:"token"`
			Code  Text `json:"code"`
		} `json:"failed_list"`
	}](ctx, rt, http.MethodPost, "/open-apis/drive/v1/metas/batch_query", request)
	if err != nil {
		return err
	}
	for _, meta := range got.Metas {
		d.metas[string(meta.Token)] = meta.DocumentMeta
	}
	for _, failed := range got.Failed {
		if token := string(failed.Token); d.codes[token] == "" {
			d.codes[token] = failed.Code
		}
	}
	return nil
}

// refused is the error for the documents that were not described; nil if there are none.
func (d *described) refused(documents []Document) error {
	failure := &eventcore.Error{
		Code: eventcore.CodePlatformError,
		Hint: "the bot or user that listens must be able to read the document, which may also be deleted",
	}
	var names []string
	for _, document := range documents {
		if _, ok := d.metas[document.Token]; ok {
			continue
		}
		why := "unknown to it"
		if code := d.codes[document.Token]; code != "" {
			why = "code " + string(code)
			failure.PlatformCode = cmp.Or(failure.PlatformCode, int(code.Int()))
		}
		names = append(names, document.Token+" ("+why+")")
	}
	if len(names) == 0 {
		return nil
	}
	more := ""
	if n := len(names) - maxRefused; n > 0 {
		names, more = names[:maxRefused], fmt.Sprintf(" and %d more", n)
	}
	failure.Message = "the platform does not describe " + strings.Join(names, ", ") + more
	return failure
}
