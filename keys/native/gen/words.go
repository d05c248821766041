package main

import (
	"slices"
	"strings"
)

const (
	examplePerson = "Ada Lovelace"
	exampleTopic  = "Quarterly review"
)

// exampleWords are examples of texts that people write and read, by the name of the member, or of what holds it if the
// member is a mere name or value. Statuses and types are left out on purpose: a reader would take an invented value for
// one that the platform sends; the tables have the real ones.
var exampleWords = map[string]string{
	// people
	"user": examplePerson, "nickname": "Ada", "first_name": "Ada", "last_name": "Lovelace", "candidate": examplePerson,
	"candidate_info": examplePerson, "client_contact_info": examplePerson, "guest": examplePerson, "agent": examplePerson,
	"agent_owner": examplePerson, "closed_by": examplePerson, "collaborator": examplePerson, "account": "ada",
	"mobile": "13800000000", "department_hrbp": exampleTexts["open_id"], "job_title": "Engineer", "position": "Engineer",
	"position_code": "P7", "leader_position_code": "P8", "work_station": "A-12", "custom_attr": "Remote",
	// places and companies
	"address": "1 Example Road", "addresses": "1 Example Road", "city": "Beijing", "country": "China", "state": "Beijing", "district": "Haidian", "geo": "cn",
	"department": "Engineering", "department_path_name": "Company/Engineering", "room": "Meeting room 7", "tenant": "Example Inc.",
	"currency": "CNY", "language": "en_us", "time_zone": "Asia/Shanghai", "code": "CN_1",
	// what people write
	"reason": "No longer needed", "disable_reason": "Under repair", "apply_reason": "New laptop", "dissatisfaction_reason": "It took too long",
	"comment": "Please check the references", "description": "A short description", "remark": "Thank you", "content": "How do I reset my password?",
	"help_use": "Open the app and ask a question", "customized_field": "High", "display_name": "Priority",
	"key_name": "priority", "custom_field_list": "Standard", "tag": "Referral", "application_stage": "Interview", "chat": "Launch team",
	"chat_i18n_names": "Launch team", "i18n_content": "Intern", "details_of_job_status_change": "The transfer was approved",
	// apps
	"online_version": "Expense helper", "under_audit_version": "Expense helper", "bot_menu": "Help", "cloud_doc": "Minutes",
	"docs_block": "Poll", "message_action": "Make a task", "product": "Feishu Enterprise", "assign_info": "Feishu Enterprise",
	"common_categories": "Office", "events": "im.message.receive_v1", "color": "blue", "idp_type": "default_idp", "channel": "email",
	// devices and files
	"version": "1.2.0", "device": "Ada's laptop", "disk_serial_number": "S4EWNX0M123456", "uuid": "4c4c4544-0042-3510-8052-b4c04f4d3233",
	"idfv": "6d92078a-8246-4ba4-ae5b-76104861e7dc", "aaid": "9f5ff4b8-1d0a-4b1e-9d4c-2a6d3c1b7e55", "key": "key_1", "event_key": "menu_help",
	"avatar_key": "v3_0012_0c4f1b6e", "image_key": exampleImage, "icon_file_key": exampleImage, "out_image": exampleImage,
	"event_id": "6949088236610273399", "additional_item_id_list": "7412345678901234567",
}

const exampleImage = "img_v2_041b28e3-5680-48c2-9af2-497ace79333g"

// bareNames say nothing of themselves: what holds the member says what it is.
var bareNames = []string{"name", "en_name", "zh_name", "i18n_name", "default_name", "value", "option_value", "number", "text", "i18n"}

// languages are members that hold what their holder names, in a language.
var languages = []string{"en_us", "zh_cn", "ja_jp", "*"}

// exampleText is an example of a text whose kind is unknown, by its pointer.
func exampleText(pointer string) string {
	var path []string
	for _, name := range strings.Split(pointer, "/")[1:] {
		if !slices.Contains(languages, name) {
			path = append(path, name)
		}
	}
	for i := len(path) - 1; i >= 0; i-- {
		if text := wordFor(path[i]); text != "" {
			return text
		}
		if !slices.Contains(bareNames, path[i]) {
			break
		}
	}
	last := path[len(path)-1]
	if text := exampleWords[last[strings.LastIndex(last, "_")+1:]]; text != "" {
		return text
	}
	if strings.Contains(last, "name") || strings.Contains(last, "title") || strings.Contains(last, "topic") {
		return exampleTopic
	}
	return "text"
}

// wordFor is the example of what a member is: of users and user_name that of user.
func wordFor(name string) string {
	for _, as := range []string{name, strings.TrimSuffix(name, "s"), strings.TrimSuffix(name, "_name")} {
		if text := exampleWords[as]; text != "" {
			return text
		}
	}
	return ""
}
