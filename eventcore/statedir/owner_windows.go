package statedir

import "io/fs"

// owned accepts every file: the user's own profile holds the directory, and its access list guards it.
func owned(fs.FileInfo) error { return nil }

// links is not known here.
func links(fs.FileInfo) int { return 1 }

// trusted accepts every directory, as owned does.
func trusted(string) error { return nil }
