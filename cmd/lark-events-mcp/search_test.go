//go:build unix

package main_test

import (
	"slices"
	"testing"
)

// must are the phrases that have to find their key first, whatever becomes of others.
var must = [][2]string{
	{"someone replied in a chat", "im.message.receive_v1"},
	{"approval finished", "approval.instance.status_changed_v4"},
	{"new mail", "mail.user_mailbox.event.message_received_v1"},
	{"document comment", "drive.notice.comment_add_v1"},
	{"message", "im.message.receive_v1"},
	{"im.message", "im.message.receive_v1"},
	{"leave_approvalV2", "leave_approvalV2"},
}

// phrases are what people say of an event, and the key that each should find first.
var phrases = [][2]string{
	{"someone writes to the bot", "im.message.receive_v1"},
	{"new message", "im.message.receive_v1"},
	{"somebody mentions the bot in a group", "im.message.receive_v1"},
	{"incoming chat messages", "im.message.receive_v1"},
	{"direct message to the bot", "im.message.receive_v1"},
	{"a file was sent in a chat", "im.message.receive_v1"},
	{"收到消息", "im.message.receive_v1"},
	{"message was read", "im.message.message_read_v1"},
	{"read receipt", "im.message.message_read_v1"},
	{"消息已读", "im.message.message_read_v1"},
	{"emoji reaction added", "im.message.reaction.created_v1"},
	{"someone reacted with thumbs up", "im.message.reaction.created_v1"},
	{"reaction removed", "im.message.reaction.deleted_v1"},
	{"message recalled", "im.message.recalled_v1"},
	{"撤回消息", "im.message.recalled_v1"},
	{"bot added to a group", "im.chat.member.bot.added_v1"},
	{"机器人进群", "im.chat.member.bot.added_v1"},
	{"bot removed from group chat", "im.chat.member.bot.deleted_v1"},
	{"a person joined the group chat", "im.chat.member.user.added_v1"},
	{"someone left the group", "im.chat.member.user.deleted_v1"},
	{"group renamed", "im.chat.updated_v1"},
	{"group dissolved", "im.chat.disbanded_v1"},
	{"解散群", "im.chat.disbanded_v1"},
	{"user opens the chat with the bot", "im.chat.access_event.bot_p2p_chat_entered_v1"},
	{"button clicked on a card", "card.action.trigger"},
	{"card form submitted", "card.action.trigger"},
	{"卡片按钮点击", "card.action.trigger"},
	{"bot menu clicked", "application.bot.menu_v6"},
	{"机器人菜单", "application.bot.menu_v6"},
	{"email arrived in my inbox", "mail.user_mailbox.event.message_received_v1"},
	{"收到邮件", "mail.user_mailbox.event.message_received_v1"},
	{"approval request approved or rejected", "approval.instance.status_changed_v4"},
	{"审批通过", "approval.instance.status_changed_v4"},
	{"an approval is waiting for me", "approval.task.status_changed_v4"},
	{"approval form definition changed", "approval.approval.updated_v4"},
	{"leave request approved", "leave_approvalV2"},
	{"请假审批", "leave_approvalV2"},
	{"business trip approved", "trip_approval"},
	{"someone commented on my doc", "drive.notice.comment_add_v1"},
	{"文档评论", "drive.notice.comment_add_v1"},
	{"document edited", "drive.file.edit_v1"},
	{"spreadsheet changed", "drive.file.edit_v1"},
	{"file renamed", "drive.file.title_updated_v1"},
	{"file moved to trash", "drive.file.trashed_v1"},
	{"file deleted for good", "drive.file.deleted_v1"},
	{"new file in a folder", "drive.file.created_in_folder_v1"},
	{"someone requests access to a document", "drive.file.permission_member_applied_v1"},
	{"document shared with a person", "drive.file.permission_member_added_v1"},
	{"base record changed", "drive.file.bitable_record_changed_v1"},
	{"多维表格记录变更", "drive.file.bitable_record_changed_v1"},
	{"column added to a base table", "drive.file.bitable_field_changed_v1"},
	{"calendar event changed", "calendar.calendar.event.changed_v4"},
	{"meeting rescheduled in calendar", "calendar.calendar.event.changed_v4"},
	{"日程变更", "calendar.calendar.event.changed_v4"},
	{"calendar shared with someone", "calendar.calendar.acl.created_v4"},
	{"my meeting ended", "vc.meeting.participant_meeting_ended_v1"},
	{"会议结束", "vc.meeting.participant_meeting_ended_v1"},
	{"meeting I take part in started", "vc.meeting.participant_meeting_started_v1"},
	{"any meeting in the company ended", "vc.meeting.all_meeting_ended_v1"},
	{"meeting notes are ready", "vc.note.generated_v1"},
	{"minutes of a meeting generated", "minutes.minute.generated_v1"},
	{"妙记", "minutes.minute.generated_v1"},
	{"bot invited to a meeting", "vc.bot.meeting_invited_v1"},
	{"screen sharing started", "vc.meeting.share_started_v1"},
	{"recording of a reserved meeting uploaded", "vc.meeting.recording_ready_v1"},
	{"whiteboard edited", "board.whiteboard.updated_v1"},
	{"task completed", "task.task.update_user_access_v2"},
	{"任务更新", "task.task.update_user_access_v2"},
	{"comment on a task", "task.task.comment.updated_v1"},
	{"new employee in the directory", "contact.user.created_v3"},
	{"user left the company", "contact.user.deleted_v3"},
	{"员工离职", "contact.user.deleted_v3"},
	{"user profile changed", "contact.user.updated_v3"},
	{"new department", "contact.department.created_v3"},
	{"部门新建", "contact.department.created_v3"},
	{"support ticket opened", "helpdesk.ticket.created_v1"},
	{"candidate moved to the next interview stage", "hire.application.stage_changed_v1"},
	{"offer accepted by candidate", "hire.offer.status_changed_v1"},
	{"door access record", "acs.access_record.created_v1"},
	{"payroll run sealed", "payroll.payment_activity.approved_v1"},
	{"employee contract created", "corehr.contract.created_v1"},
	{"probation result changed", "corehr.probation.updated_v2"},
	{"room level created", "vc.room_level.created_v1"},
	{"course enrollment", "elearning.course_registration.created_v2"},
	{"post published in moments", "moments.post.created_v1"},
	{"device declared for review", "security_and_compliance.device_apply_record.device_apply_event_v2"},
	{"user token revoked", "auth.user_access_token.revoked_v4"},
	{"any other event type", "event.any"},
	{"mail", "mail.user_mailbox.event.message_received_v1"},
	{"calendar", "calendar.calendar.event.changed_v4"},
	{"approval rejected", "approval.instance.status_changed_v4"},
	{"a colleague joined the group", "im.chat.member.user.added_v1"},
	{"文件被删除", "drive.file.deleted_v1"},
	{"有人@我", "im.message.receive_v1"},
	{"群聊消息", "im.message.receive_v1"},
}

// What list_event_keys must reach on the phrases.
const (
	minFirst = 0.90
	minTop3  = 0.98
)

func TestPhrasesFindTheirKeys(t *testing.T) {
	a := newWorld(t).agent(modernEra)
	first, top3 := 0, 0
	for i, phrase := range slices.Concat(must, phrases) {
		var found []string
		page := decode[struct{ Keys []struct{ Key string } }](t, a.tool("list_event_keys", map[string]any{"query": phrase[0], "limit": 3}))
		for _, key := range page.Keys {
			found = append(found, key.Key)
		}
		rank := slices.Index(found, phrase[1])
		if i < len(must) && rank != 0 {
			t.Errorf("%q must find %s first, and finds %v", phrase[0], phrase[1], found)
		}
		switch {
		case rank == 0:
			first++
			top3++
		case rank > 0:
			top3++
			t.Logf("%q finds %s in place %d: %v", phrase[0], phrase[1], rank+1, found)
		default:
			t.Logf("%q does not find %s: %v", phrase[0], phrase[1], found)
		}
	}
	total := float64(len(must) + len(phrases))
	t.Logf("%.0f phrases: %.1f %% first, %.1f %% in the top three", total, 100*float64(first)/total, 100*float64(top3)/total)
	if float64(first) < minFirst*total || float64(top3) < minTop3*total {
		t.Errorf("%d of %.0f phrases find their key first, %d in the top three", first, total, top3)
	}
}
