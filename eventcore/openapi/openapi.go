package openapi

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/larkevents/lark-events-mcp/eventcore"
)

// The identities to call as.
const (
	Bot  = "bot"
	User = "user"
)

const (
	defaultTimeout = 10 * time.Second
	maxResponse    = 8 << 20 // bytes
)

// Options say which app to call as, and where.
type Options struct {
	AppID     string
	AppSecret string
	// BaseURL is the open platform's, such as https://open.feishu.cn, without a path.
	BaseURL string
	// UserAccessToken is what calls as a user are made with; empty if there are none.
	UserAccessToken string
	// Timeout is for one call, with its retries; default 10 s.
	Timeout time.Duration
	// HTTPClient makes the requests; nil for one with a transport of its own. Redirects are not followed.
	HTTPClient *http.Client
	// Logger gets retries and what the SDK logs, never tokens, secrets or bodies; nil for none.
	Logger *slog.Logger
}

// API is one app's access to the open API. Its methods may be called from many goroutines at once.
type API struct {
	options Options
	config  *larkcore.Config
	client  *http.Client
	tokens  tokens
	log     *slog.Logger
	// random returns a number in [0, n).
	random func(n int64) int64
}

// New returns the access; nothing is done before the first call.
func New(options Options) *API {
	if options.Timeout <= 0 {
		options.Timeout = defaultTimeout
	}
	options.BaseURL = strings.TrimRight(options.BaseURL, "/")
	log := options.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("component", "openapi")
	a := &API{
		options: options, log: log, client: httpClient(options.HTTPClient), random: rand.Int64N,
		tokens: tokens{fetching: make(chan struct{}, 1)},
	}
	a.config = &larkcore.Config{
		BaseUrl: options.BaseURL, AppId: options.AppID, AppSecret: options.AppSecret, AppType: larkcore.AppTypeSelfBuilt,
		HttpClient: limited{a.client}, Serializable: serialization{}, Logger: sdkLogger{log},
		// The SDK's own cache is one per process, knows tokens by app id alone and keeps those that the platform
		// no longer accepts; see tokens.
		EnableTokenCache: false,
	}
	return a
}

// As returns a client that calls as [Bot] or [User]. Where what that takes is not configured, the error is an
// [*eventcore.Error] with [eventcore.CodeCredentialsMissing] that names the variable.
func (a *API) As(identity string) (eventcore.APIClient, error) {
	switch identity {
	case Bot:
		if a.options.AppID == "" {
			return nil, missing("LARK_APP_ID", "app id", "the developer console shows it under Credentials & Basic Info")
		}
		if a.options.AppSecret == "" {
			return nil, missing("LARK_APP_SECRET", "app secret", "the developer console shows it under Credentials & Basic Info")
		}
	case User:
		if a.options.AppID == "" {
			return nil, missing("LARK_APP_ID", "app id", "the developer console shows it under Credentials & Basic Info")
		}
		if a.options.UserAccessToken == "" {
			return nil, missing("LARK_USER_ACCESS_TOKEN", "user access token", "log in as the user who is to listen")
		}
	default:
		return nil, &eventcore.Error{
			Code:    eventcore.CodeInternal,
			Message: "there is no identity " + identity + " to call the open API as", Hint: "it is bot or user",
		}
	}
	return &client{api: a, identity: identity}, nil
}

// Close closes connections that are kept for the next call. The API can be used on.
func (a *API) Close() { a.client.CloseIdleConnections() }

func missing(variable, what, where string) error {
	return &eventcore.Error{
		Code:    eventcore.CodeCredentialsMissing,
		Message: "the open API needs the " + what + ", and " + variable + " is not set",
		Hint:    "set " + variable + "; " + where,
	}
}
