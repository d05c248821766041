// Package frame is the wire format of the platform's long connection: the frames that travel on it, the payload of an
// answer, and the request that asks where to open it.
//
// It knows bytes and names, and no network: what to do with a frame is the caller's. Package lark speaks it as the
// client and larksim as the platform. The format is that of the Lark SDK's ws package, byte for byte; names and codes
// are from its const.go and model.go. That package itself cannot be used: it compiles every service of the open API.
package frame
