package frame

// EndpointPath is where a client asks, by POST of an [EndpointRequest], for the address of the long connection.
const EndpointPath = "/callback/ws/endpoint"

// The parameters in the query of that address.
const (
	QueryDeviceID  = "device_id"
	QueryServiceID = "service_id" // [Frame].Service of every ping
)

// The codes of an [EndpointAnswer]. Any other one is final.
const (
	CodeOK            = 0
	CodeBusy          = 1
	CodeInternalError = 1000040343
	// CodeBusyToo also comes as "system busy" (https://github.com/op7418/CodePilot/issues/323), and CodeRateLimited is the
	// open API's for too many requests.
	CodeBusyToo     = 1000040345
	CodeRateLimited = 99991400
)

// IsBusy reports whether a code tells that another attempt may go better.
func IsBusy(code int) bool {
	switch code {
	case CodeBusy, CodeInternalError, CodeBusyToo, CodeRateLimited:
		return true
	}
	return false
}

// The headers in which a failed WebSocket handshake is explained.
const (
	HandshakeStatus      = "Handshake-Status"
	HandshakeMsg         = "Handshake-Msg"
	HandshakeAuthErrCode = "Handshake-Autherrcode"
)

// The values of [HandshakeStatus], and one of [HandshakeAuthErrCode].
const (
	StatusForbidden        = 403
	StatusAuthFailed       = 514
	CodeTooManyConnections = 1000040350
)

// EndpointRequest asks for the address of the long connection.
type EndpointRequest struct {
	AppID     string
	AppSecret string
}

// EndpointAnswer is the answer to an [EndpointRequest].
type EndpointAnswer struct {
	Code int       `json:"code"`
	Msg  string    `json:"msg"`
	Data *Endpoint `json:"data"` // nil unless Code is [CodeOK]
}

// Endpoint is where to open a WebSocket, once, and how to keep it.
type Endpoint struct {
	URL          string        `json:"URL,omitempty"`
	ClientConfig *ClientConfig `json:"ClientConfig,omitempty"`
}

// ClientConfig is what the platform asks of a client. Times are in seconds; 0 leaves a setting as it is.
type ClientConfig struct {
	ReconnectCount    int `json:",omitempty"` // how often to try; below 0 for ever
	ReconnectInterval int `json:",omitempty"` // between two attempts
	ReconnectNonce    int `json:",omitempty"` // the longest random wait before the first attempt
	PingInterval      int `json:",omitempty"`
}
