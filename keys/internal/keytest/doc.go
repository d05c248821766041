// Package keytest has what the tests of the packages under keys share: a stand-in for the open API that keeps what it
// was asked, and the run of a key over its recorded events, against golden files and the key's own schema.
//
// It is not for tests that need a bus or the simulated platform. Only tests call it.
package keytest
