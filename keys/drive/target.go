package drive

import (
	"slices"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The file types of the platform, and the one that stands for another: a wiki page is a place for a document.
const (
	typeDoc     = "doc"
	typeDocx    = "docx"
	typeSheet   = "sheet"
	typeBitable = "bitable"
	typeFile    = "file"
	typeSlides  = "slides"
	typeFolder  = "folder"
	typeWiki    = "wiki"
)

// The params of the keys of one file.
const (
	paramFileToken = "file_token"
	paramFileType  = "file_type"
	paramTableID   = "table_id"
)

// target is what the param file_token of a key may name, and how the platform is asked for its events.
type target struct {
	// noun is what it is, with its article.
	noun string
	// example is a link to one.
	example string
	types   []eventcore.ParamValue
	// fixed is the only type there is, but for a wiki page that leads to one; empty if there are several.
	fixed string
	// eventType is sent with the subscribe call, which takes it for folders only.
	eventType string
	// elsewhere says which key is for the types that this target does not take.
	elsewhere string
}

// document is any file whose content can be opened.
func document() target {
	return target{
		noun: "a document", example: "https://x.feishu.cn/docx/…",
		types: []eventcore.ParamValue{
			{Value: typeDocx, Desc: "a document; its link has /docx/"},
			{Value: typeSheet, Desc: "a spreadsheet; its link has /sheets/"},
			{Value: typeBitable, Desc: "a Base, once called Bitable; its link has /base/"},
			{Value: typeSlides, Desc: "a presentation; its link has /slides/"},
			{Value: typeFile, Desc: "an uploaded file, such as a PDF; its link has /file/"},
			{Value: typeDoc, Desc: "a document of the old kind; its link has /docs/"},
			wikiType(),
		},
		elsewhere: "for a folder take drive.file.created_in_folder_v1",
	}
}

// base is a Base.
func base() target {
	return target{
		noun: "a Base", example: "https://x.feishu.cn/base/…",
		types: []eventcore.ParamValue{
			{Value: typeBitable, Desc: "a Base, once called Bitable; its link has /base/"},
			wikiType(),
		},
		fixed:     typeBitable,
		elsewhere: "drive.file.edit_v1 is for all kinds of documents",
	}
}

// folder is a folder of the drive.
func folder() target {
	return target{
		noun: "a folder", example: "https://x.feishu.cn/drive/folder/…",
		types:     []eventcore.ParamValue{{Value: typeFolder, Desc: "a folder; its link has /drive/folder/"}},
		fixed:     typeFolder,
		eventType: "file.created_in_folder_v1", // without the domain: the subscribe call's own name of the event
		elsewhere: "drive.file.edit_v1 and its neighbours are for documents",
	}
}

func wikiType() eventcore.ParamValue {
	return eventcore.ParamValue{Value: typeWiki, Desc: "a page of a wiki; the document in it is looked up, once, which needs wiki:node:read"}
}

// params are those that say which file.
func (t target) params() []eventcore.ParamDef {
	token := eventcore.ParamDef{
		Name: paramFileToken, Type: eventcore.ParamString, Required: true, SubscriptionKey: true,
		Description: "which one: the link to " + t.noun + ", such as " + t.example + ", or its token; a link is better, it tells the file_type too",
	}
	kind := eventcore.ParamDef{
		Name: paramFileType, Type: eventcore.ParamEnum, SubscriptionKey: true, Values: t.types, Default: t.fixed,
		Description: "what file_token is; leave it out with a link",
	}
	return []eventcore.ParamDef{token, kind}
}

// lists reports whether the param file_type can have the value.
func (t target) lists(kind string) bool {
	return slices.ContainsFunc(t.types, func(v eventcore.ParamValue) bool { return v.Value == kind })
}
