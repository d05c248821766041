package mail

import (
	"maps"
	"testing"

	"github.com/larkevents/lark-events-mcp/eventcore"
	"github.com/larkevents/lark-events-mcp/keys/internal/keytest"
)

const profileCall = "GET /open-apis/mail/v1/user_mailboxes/me/profile"

func placeAnswers() map[string]string {
	return map[string]string{
		profileCall:                        `{"primary_email_address":"Ada@acme.example"}`,
		"GET " + mailboxCalls + "/folders": `{"items":[{"id":"761","name":"Invoices","folder_type":2},{"id":"762","name":"Team"},{"id":763,"name":"team"}]}`,
		"GET " + mailboxCalls + "/labels":  `{"items":[{"id":"771","name":"发票"},{"id":"INBOX","name":"odd"}]}`,
	}
}

func TestNormalize(t *testing.T) {
	const listFolders, listLabels = "GET " + mailboxCalls + "/folders", "GET " + mailboxCalls + "/labels"
	for name, tt := range map[string]struct {
		given, want map[string]string
		calls       []string
	}{
		"me becomes the address":     {map[string]string{"mailbox": "me"}, map[string]string{"mailbox": "ada@acme.example"}, []string{profileCall}},
		"nothing is me":              {map[string]string{"mailbox": " "}, map[string]string{"mailbox": "ada@acme.example"}, []string{profileCall}},
		"an address asks nothing":    {map[string]string{"mailbox": " Support@Acme.example "}, map[string]string{"mailbox": "support@acme.example"}, nil},
		"system folders ask nothing": {with("folder", "Inbox, junk,垃圾邮件"), with("folder", "INBOX,SPAM"), nil},
		"system labels ask nothing":  {with("label", "unread,IMPORTANT"), with("label", "UNREAD,IMPORTANT"), nil},
		"a folder by name":           {with("folder", "invoices,INBOX"), with("folder", "761,INBOX"), []string{listFolders}},
		"folders by id, asked once":  {with("folder", "763,762"), with("folder", "763,762"), []string{listFolders}},
		"a label by name":            {with("label", "发票"), with("label", "771"), []string{listLabels}},
		"empty filters vanish":       {with("folder", " , ", "label", "", "from", ","), with(), nil},
		"senders":                    {with("from", "Ben@Acme.example, @supplier.example"), with("from", "ben@acme.example,@supplier.example"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			api := &keytest.API{Answers: placeAnswers()}
			params := maps.Clone(tt.given)
			if err := normalize(t.Context(), api, params); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(params, tt.want) {
				t.Errorf("got %v, want %v", params, tt.want)
			}
			api.Want(t, tt.calls...)
		})
	}
}

func TestNormalizeRefuses(t *testing.T) {
	answers := func(profile string) *keytest.API {
		return &keytest.API{Answers: map[string]string{profileCall: profile}}
	}
	for name, tt := range map[string]struct {
		rt     eventcore.APIClient
		given  map[string]string
		code   eventcore.Code
		param  string
		scopes int
	}{
		"a name as mailbox":       {nil, map[string]string{"mailbox": "Ada Park"}, eventcore.CodeInvalidParams, paramMailbox, 0},
		"a path as mailbox":       {nil, map[string]string{"mailbox": "a@b.c/../me"}, eventcore.CodeInvalidParams, paramMailbox, 0},
		"a name as sender":        {nil, with("from", "Ben"), eventcore.CodeInvalidParams, paramFrom, 0},
		"no such folder":          {&keytest.API{Answers: placeAnswers()}, with("folder", "Bills"), eventcore.CodeInvalidParams, paramFolder, 0},
		"two folders of the name": {&keytest.API{Answers: placeAnswers()}, with("folder", "TEAM"), eventcore.CodeInvalidParams, paramFolder, 0},
		"folders refused":         {&keytest.API{Refuse: keytest.Denied()}, with("folder", "Bills"), eventcore.CodePermissionDenied, "", 1},
		"labels refused":          {&keytest.API{Refuse: keytest.Denied()}, with("label", "Bills"), eventcore.CodePermissionDenied, "", 1},
		"profile refused":         {&keytest.API{Refuse: keytest.Denied()}, map[string]string{"mailbox": "me"}, eventcore.CodePermissionDenied, "", 1},
		"no client":               {nil, map[string]string{"mailbox": "me"}, eventcore.CodeCredentialsMissing, "", 0},
		"no mailbox":              {answers(`{"not_found_reason":"no_mailbox"}`), map[string]string{"mailbox": "me"}, eventcore.CodePlatformError, paramMailbox, 0},
		"a profile of no sense":   {answers(`[]`), map[string]string{"mailbox": "me"}, eventcore.CodePlatformError, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			err := normalize(t.Context(), tt.rt, tt.given)
			if err == nil {
				t.Fatal("it is accepted")
			}
			failure := eventcore.AsError(err)
			if failure.Code != tt.code || failure.Param != tt.param || len(failure.Scopes) != tt.scopes || failure.Hint == "" {
				t.Errorf("error %+v", failure)
			}
			if tt.param == paramFolder && len(failure.Allowed) == 0 {
				t.Error("the error does not say which folders there are")
			}
		})
	}
}

func TestParamsKeepTheirDefaults(t *testing.T) {
	def := receivedKey()
	params, err := eventcore.ResolveParams(&def, nil)
	if err != nil || params[paramMailbox] != me || params[paramFormat] != formatMetadata {
		t.Errorf("got %v, %v", params, err)
	}
}
