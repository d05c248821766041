// Package anyevent defines the event key that takes any event type by its platform name, for types that have no
// key of their own yet.
//
// It is not for types that have a key: that one has a typed payload, and makes the subscribe call that its type may
// need. Package keys registers it.
package anyevent
