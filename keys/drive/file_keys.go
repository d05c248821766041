package drive

import (
	"context"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// What the descriptions of the keys of one file end with: who can subscribe, and what it brings.
const (
	forManagers = " The user or bot that listens must own the file or have the right to manage it; a bot gets that when the app is added " +
		"to the file as a document app. Listening as the bot needs the scopes for the app and for users."
	forOwners = " Only the owner's subscription brings it, not a manager's: the user or bot that listens must own the file. " +
		"Listening as the bot needs the scopes for the app and for users."
)

// The scopes for receiving events of files, beside the one for subscribing. Source: the documentation of the events.
const (
	editedScope  = "docs:event.document_edited:read or drive:drive"
	openedScope  = "docs:event.document_opened:read or drive:drive"
	deletedScope = "docs:event.document_deleted:read or drive:drive"
	folderScope  = "space:document.event:read"
)

// Edited is the payload of drive.file.edit_v1.
type Edited struct {
	File
	OperatorIDs []string `json:"operator_ids,omitempty" kind:"open_id" desc:"who edited; several, if they did so at about the same time"`
	SheetID     string   `json:"sheet_id,omitempty" kind:"sheet_id" desc:"the sheet of a spreadsheet that was edited"`
}

// Opened is the payload of drive.file.read_v1.
type Opened struct {
	File
	OperatorIDs []string `json:"operator_ids,omitempty" kind:"open_id" desc:"who opened it"`
}

// Changed is the payload of events that one person caused and that say nothing more.
type Changed struct {
	File
	OperatorID string `json:"operator_id,omitempty" kind:"open_id" desc:"who did it"`
}

// CreatedInFolder is the payload of drive.file.created_in_folder_v1.
type CreatedInFolder struct {
	File
	FolderToken string `json:"folder_token,omitempty" kind:"folder_token" desc:"the folder it was put into"`
	OperatorID  string `json:"operator_id,omitempty" kind:"open_id" desc:"who created or uploaded it"`
}

// fileKeys are the keys about a file as a whole.
func fileKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		editKey(),
		readKey(),
		watched(document(), keydef.Processed(eventcore.KeyDefinition{
			Key:         "drive.file.title_updated_v1",
			DisplayName: "Document renamed",
			Description: "The title of one document, sheet, Base or uploaded file changed. You get the file with its new title and link, " +
				"and who renamed it; the old title is not told. Changes of the content are drive.file.edit_v1." + forOwners,
			Keywords: []string{"title", "name", "重命名", "标题变更", "改名", "文档标题"},
			Scopes:   []string{subscribeScope, editedScope},
			Workers:  lookupWorkers,
		}, examples, changed(lookedUp))),
		watched(document(), keydef.Processed(eventcore.KeyDefinition{
			Key:         "drive.file.trashed_v1",
			DisplayName: "Document moved to the trash",
			Description: "One document, sheet, Base or uploaded file was put into the trash, from where it can still be restored. " +
				"You get its token and who did it; title and link are not looked up. Removal for good is drive.file.deleted_v1." + forOwners,
			Keywords: []string{"recycle bin", "removed", "删除到回收站", "回收站", "文档删除"},
			Scopes:   []string{subscribeScope, deletedScope},
		}, examples, changed(known))),
		watched(document(), keydef.Processed(eventcore.KeyDefinition{
			Key:         "drive.file.deleted_v1",
			DisplayName: "Document deleted for good",
			Description: "One document, sheet, Base or uploaded file was deleted for good; it cannot be restored, nor read any more. " +
				"You get its token and who did it. Being put into the trash comes first and is drive.file.trashed_v1." + forOwners,
			Keywords: []string{"permanently", "erased", "彻底删除", "永久删除", "文件被删除", "文档删除"},
			Scopes:   []string{subscribeScope, deletedScope},
		}, examples, changed(known))),
		createdKey(),
	}
}

func editKey() eventcore.KeyDefinition {
	return watched(document(), keydef.Processed(eventcore.KeyDefinition{
		Key:         "drive.file.edit_v1",
		DisplayName: "Document edited",
		Description: "Somebody edited the content of one document, sheet, Base or presentation. You get the file with title and link, " +
			"who edited, and for a spreadsheet the sheet; not what changed: read the document for that. For a Base, the records and fields that changed are in drive.file.bitable_record_changed_v1 and " +
			"drive.file.bitable_field_changed_v1." + forManagers,
		Keywords: []string{"modified", "updated", "written", "doc", "文档编辑", "文件编辑", "文档修改", "云文档更新", "表格编辑"},
		Scopes:   []string{subscribeScope, editedScope},
		Workers:  lookupWorkers,
	}, examples, func(ctx context.Context, rt eventcore.APIClient, in *editedEvent, _ map[string]string) (*Edited, error) {
		file, err := in.file()
		if err != nil {
			return nil, err
		}
		err = file.lookUp(ctx, rt)
		return &Edited{File: file, OperatorIDs: in.operators(), SheetID: string(in.SheetID)}, err
	}))
}

type editedEvent struct {
	fileEvent
	SheetID keydef.Text `json:"sheet_id"`
}

func readKey() eventcore.KeyDefinition {
	return watched(document(), keydef.Processed(eventcore.KeyDefinition{
		Key:         "drive.file.read_v1",
		DisplayName: "Document opened by a reader",
		Description: "Somebody opened one document, sheet, Base or uploaded file to read it; every opening is an event, so a document with many " +
			"readers brings many. You get the file's token and who opened it; title and link are not looked up. The company must have " +
			"the record of visits switched on." + forOwners,
		Keywords: []string{"viewed", "visited", "read", "文档阅读", "文件已读", "打开文档", "访问"},
		Scopes:   []string{subscribeScope, openedScope},
	}, examples, func(_ context.Context, _ eventcore.APIClient, in *fileEvent, _ map[string]string) (*Opened, error) {
		file, err := in.file()
		if err != nil {
			return nil, err
		}
		return &Opened{File: file, OperatorIDs: in.operators()}, nil
	}))
}

func createdKey() eventcore.KeyDefinition {
	return watched(folder(), keydef.Processed(eventcore.KeyDefinition{
		Key:         "drive.file.created_in_folder_v1",
		DisplayName: "New file in a folder",
		Description: "A file was created in, or uploaded into, one folder of the drive. You get the new file with type, title and link, " +
			"and who created it. A wiki is not covered: it has no folders." + forOwners,
		Keywords: []string{"added", "upload", "directory", "新建文件", "上传文件", "文件夹下文件创建", "文件夹"},
		Scopes:   []string{subscribeScope, folderScope},
		Workers:  lookupWorkers,
	}, examples, func(ctx context.Context, rt eventcore.APIClient, in *createdEvent, _ map[string]string) (*CreatedInFolder, error) {
		file, err := in.file()
		if err != nil {
			return nil, err
		}
		err = file.lookUp(ctx, rt)
		return &CreatedInFolder{File: file, FolderToken: string(in.Folder), OperatorID: in.operator()}, err
	}))
}

type createdEvent struct {
	fileEvent
	Folder keydef.Text `json:"folder_token"`
}

// lookedUp completes a file by a call, known leaves it as the event has it.
func lookedUp(ctx context.Context, rt eventcore.APIClient, f *File) error { return f.lookUp(ctx, rt) }

func known(context.Context, eventcore.APIClient, *File) error { return nil }

func changed(complete func(context.Context, eventcore.APIClient, *File) error) func(context.Context, eventcore.APIClient, *fileEvent, map[string]string) (*Changed, error) {
	return func(ctx context.Context, rt eventcore.APIClient, in *fileEvent, _ map[string]string) (*Changed, error) {
		file, err := in.file()
		if err != nil {
			return nil, err
		}
		err = complete(ctx, rt, &file)
		return &Changed{File: file, OperatorID: in.operator()}, err
	}
}
