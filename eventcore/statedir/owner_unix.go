//go:build unix

package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owned returns an error unless the file belongs to this process's user.
func owned(info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to user %d, not to this user (%d)", stat.Uid, os.Geteuid())
	}
	return nil
}

// links is how many names a file has.
func links(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Nlink)
	}
	return 1
}

// maxLinks is how many symbolic links may lead to a directory.
const maxLinks = 40

// trusted returns an error if another user could replace a directory, or one that leads to it, by something else. Each
// must belong to this user or to the system, and be closed to the writing of others, or sticky, as /tmp is. Symbolic
// links may lead there if they are this user's or the system's. What is not there is left out.
func trusted(path string) error { return trustedWithin(path, maxLinks) }

// trustedWithin follows at most so many links, as the system does, for links may lead in a circle.
func trustedWithin(path string, more int) error {
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err == nil {
			err = secure(dir, info)
		}
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			var target string
			switch target, err = linked(dir); {
			case err != nil:
			case more == 0:
				err = fmt.Errorf("%s is one of more than %d symbolic links, or of a circle of them: name the directory itself", dir, maxLinks)
			default:
				err = trustedWithin(target, more-1)
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// linked returns where a symbolic link leads, which may be another one.
func linked(link string) (string, error) {
	target, err := os.Readlink(link)
	if err != nil || filepath.IsAbs(target) {
		return target, err
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(link))
	return filepath.Join(dir, target), err
}

// secure returns an error if another user could change a directory or a symbolic link.
func secure(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if owner := int(stat.Uid); owner != os.Geteuid() && owner != 0 && !ownsSystem(stat.Uid) {
		return fmt.Errorf("%s belongs to user %d, who could put another one in its place", path, owner)
	}
	mode := info.Mode()
	switch {
	case mode&(fs.ModeSymlink|fs.ModeSticky) != 0:
	case mode.Perm()&0o002 != 0:
		return fmt.Errorf("every user can change what is in %s (mode %v): chmod o-w or chmod +t it", path, mode.Perm())
	case mode.Perm()&0o020 != 0 && !ownGroup(stat.Gid):
		return fmt.Errorf("group %d can change what is in %s (mode %v): chmod g-w or chmod +t it", stat.Gid, path, mode.Perm())
	}
	return nil
}

// ownsSystem reports whether a user has the root directory: where the system's own user is not mapped into a sandbox, it
// is some other number.
func ownsSystem(uid uint32) bool {
	info, err := os.Lstat("/")
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == uid
}

// ownGroup reports whether a group is this user's own, with the same name, as many systems give to each user. It is
// writable by habit there (umask 002).
func ownGroup(gid uint32) bool {
	if int(gid) != os.Getegid() {
		return false
	}
	group, err := user.LookupGroupId(strconv.Itoa(int(gid)))
	if err != nil {
		return false
	}
	me, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	return err == nil && me.Username == group.Name
}
