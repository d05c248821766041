// Package keys is the list of everything that can be subscribed to: it gathers the definitions of its sub-packages,
// one for each domain of the platform, and registers them.
//
// It defines no key itself and runs no hook. The command line calls [Register] at start-up; a new domain is one
// sub-package with a Keys function, and one line in [All].
package keys
