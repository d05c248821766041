package eventcore

import (
	"strings"
	"testing"
)

// Whatever the text is, it is a cursor that is written as it was read, or refused with what to do.
func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{
		Cursor{Journal: "j1", After: 7}.String(), Cursor{Journal: "a.b", After: 1<<63 - 1}.String(), "c1_", "c1_====", "c1_MC4", "c1_LjE", "", "now",
		"_", "_.", "_7.", "_.j1", "_-1.j1", "_007.J-1", "_zz.a.b", "_1y2p0ij32e8e8.j1", "_7.j 1", "_" + strings.Repeat("0", 300) + ".j1",
		"c1_" + strings.Repeat("A", 300), "C1_MTAuag", "c1_KzEuag", "c1_MDEuag",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cursor, err := ParseCursor(text)
		if err != nil {
			if e := AsError(err); e.Code != CodeInvalidCursor || e.Hint == "" || len(e.Message) > 1000 {
				t.Errorf("%q is refused with %+v", text, e)
			}
			return
		}
		if again, err := ParseCursor(cursor.String()); err != nil || again != cursor {
			t.Errorf("%q is read as %+v, and that as %+v, %v", text, cursor, again, err)
		}
		if cursor.Journal == "" || !IsCursor(text) || len(text) > maxCursor {
			t.Errorf("%q is read as %+v", text, cursor)
		}
	})
}
