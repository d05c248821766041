// Package frame is the wire format of the platform's long connection: the frames that travel on it, the payload of an
// answer, and the request that asks where to open it.
//
// It knows bytes and names, and no network: what to do with a frame is the caller's. Package lark speaks it as the
// client and larksim as the platform. The format is that of the Lark SDK's ws package, byte for byte; that package
// itself brings every service of the open API with it.
package frame
