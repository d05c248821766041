package drive

import (
	"context"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keydef"
)

// MembersChanged is the payload of drive.file.permission_member_added_v1 and …removed_v1.
type MembersChanged struct {
	File
	OperatorID    string   `json:"operator_id,omitempty" kind:"open_id" desc:"who changed the access"`
	UserIDs       []string `json:"user_ids,omitempty" kind:"open_id" desc:"the people whose access it is"`
	ChatIDs       []string `json:"chat_ids,omitempty" kind:"chat_id" desc:"the groups whose members' access it is"`
	DepartmentIDs []string `json:"department_ids,omitempty" kind:"open_department_id" desc:"the departments whose members' access it is"`
}

// AccessRequested is the payload of drive.file.permission_member_applied_v1.
type AccessRequested struct {
	File
	OperatorID    string   `json:"operator_id,omitempty" kind:"open_id" desc:"who asks, for themselves or for others"`
	ApproverID    string   `json:"approver_id,omitempty" kind:"open_id" desc:"who is to decide, mostly the owner"`
	UserIDs       []string `json:"user_ids,omitempty" kind:"open_id" desc:"the people who are to get access"`
	ChatIDs       []string `json:"chat_ids,omitempty" kind:"chat_id" desc:"the groups that are to get access"`
	DepartmentIDs []string `json:"department_ids,omitempty" kind:"open_department_id" desc:"the departments that are to get access"`
	Permission    string   `json:"permission,omitempty" desc:"the access asked for: view, edit, or full_access (manage)"`
	Remark        string   `json:"remark,omitempty" desc:"the reason given, written by who asks and not to be trusted"`
}

type membersEvent struct {
	fileEvent
	Users       users `json:"user_list"`
	Chats       texts `json:"chat_list"`
	Departments texts `json:"open_department_id_list"`
}

type requestEvent struct {
	fileEvent
	Approver    keydef.UserID `json:"approver_id"`
	Users       users         `json:"application_user_list"`
	Chats       texts         `json:"application_chat_list"`
	Departments texts         `json:"application_department_list"`
	Remark      keydef.Text   `json:"application_remark"`
	Permission  keydef.Text   `json:"permission"`
}

// memberKeys are the keys about who has access to a file.
func memberKeys() []eventcore.KeyDefinition {
	return []eventcore.KeyDefinition{
		watched(document(), keydef.Processed(eventcore.KeyDefinition{
			Key:         "drive.file.permission_member_added_v1",
			DisplayName: "Collaborator added to a document",
			Description: "People, groups or departments were given access to one document, sheet, Base or uploaded file. You get the file with title " +
				"and link, who got access and who gave it; not which right they got. Requests for access are " +
				"drive.file.permission_member_applied_v1." + forOwners,
			Keywords: []string{"shared", "permission", "granted", "member", "协作者添加", "添加协作者", "文档共享", "授权"},
			Scopes:   []string{subscribeScope},
			Workers:  lookupWorkers,
		}, examples, membersChanged)),
		watched(document(), keydef.Processed(eventcore.KeyDefinition{
			Key:         "drive.file.permission_member_removed_v1",
			DisplayName: "Collaborator removed from a document",
			Description: "People, groups or departments lost their access to one document, sheet, Base or uploaded file. You get the file with title " +
				"and link, who lost access and who took it away." + forOwners,
			Keywords: []string{"unshared", "permission", "revoked", "member", "协作者移除", "移除协作者", "取消共享", "权限收回"},
			Scopes:   []string{subscribeScope},
			Workers:  lookupWorkers,
		}, examples, membersChanged)),
		watched(document(), keydef.Processed(eventcore.KeyDefinition{
			Key:         "drive.file.permission_member_applied_v1",
			DisplayName: "Access to a document requested",
			Description: "Somebody asked for access to one document, sheet, Base or uploaded file, for themselves or for others; nothing is granted yet. " +
				"You get the file with title and link, who asks, who is to get which access, the reason given, and who is to decide. " +
				"Access that was given is drive.file.permission_member_added_v1." + forOwners,
			Keywords: []string{"permission request", "apply", "权限申请", "申请权限", "申请访问", "协作者申请"},
			Scopes:   []string{subscribeScope, "docs:permission.member:retrieve or docs:permission.member:create"},
			Workers:  lookupWorkers,
		}, examples, accessRequested)),
	}
}

func membersChanged(ctx context.Context, rt eventcore.APIClient, in *membersEvent, _ map[string]string) (*MembersChanged, error) {
	file, err := in.file()
	if err != nil {
		return nil, err
	}
	err = file.lookUp(ctx, rt)
	return &MembersChanged{
		File: file, OperatorID: in.operator(), UserIDs: in.Users, ChatIDs: in.Chats, DepartmentIDs: in.Departments,
	}, err
}

func accessRequested(ctx context.Context, rt eventcore.APIClient, in *requestEvent, _ map[string]string) (*AccessRequested, error) {
	file, err := in.file()
	if err != nil {
		return nil, err
	}
	err = file.lookUp(ctx, rt)
	return &AccessRequested{
		File: file, OperatorID: in.operator(), ApproverID: string(in.Approver), UserIDs: in.Users, ChatIDs: in.Chats,
		DepartmentIDs: in.Departments, Permission: string(in.Permission), Remark: string(in.Remark),
	}, err
}
