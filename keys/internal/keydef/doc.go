// Package keydef has what definitions of event keys share: building a key from a typed native event, reading its
// example, describing the fields that many events have, filtering, and the lookups that several domains make.
//
// It is not for registering anything and knows no key. The packages under keys call it.
package keydef
