package courier_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vestibule/sync/courier"
)

// Files of version 1, as they were written when it came out. They are read for ever.
const (
	goldenRecords = `
iVZDTw0KGgoBAQAAxy2SHwEAAABrhSwhwKYBeCAwMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZgJmaGFsbC0xA2JlMQQHBXQyMDI2LT
ExLTI1VDA5OjAwOjAwWgZYIM6X7CDUNmGhmyFcsuN2ppjQtKoqpbTHhU6Ra9BQgvzuAgAAABTilPkdb25lIGZyYW1lIG9mIHJlY29yZHMDAAAA
Ew5P8lphIHBhcnQgb2YgYSBwaWN0dXJlDwAAAHGrkKTuowECAlggyXXgmprRzrpN4pEMUEbk1Hxokxl++BKMyCckkfGGelcPWEgwRgIhAJotW+
Kw8MbdM5iVa+ba3maS+WvFPnHfxysWhkRINyKKAiEAz+c7NS7P3G/8zXCX2jXXvoUnzOnm/4h6+GzNwBgtax8=
`
	goldenAnswer = `
iVZDTw0KGgoBAgAALQNSbAEAAACbdkJOtagBeCAwMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZgJmaGFsbC0xA2JlMQQHBXQyMDI2LT
ExLTI1VDA5OjAwOjAwWgZYIM6X7CDUNmGhmyFcsuN2ppjQtKoqpbTHhU6Ra9BQgvzuB3ggZmZlZWRkY2NiYmFhOTk4ODc3NjY1NTQ0MzMyMjEx
MDAIS2NlcnRpZmljYXRlBAAAAAndhRNJYW4gYW5zd2VyBAAAAArO1eC9bW9yZSBvZiBpdA8AAABwWfsn7aMBAgJYILQRMMMFFXCg1c/zHNCMuL
7hdHLa2maUWpL30Qie/X8KD1hHMEUCIEIdOVbWdsdufzcMxpPdM2SK1VVJ1XsGmilcCUQZMmpQAiEA4wrHDedd2GRauwILguMkzQA+/dxc1Keb
6GLY//Y1DYc=
`
)

func TestFilesOfVersionOneAreReadForEver(t *testing.T) {
	key := fixedKey(t)
	for name, c := range map[string]struct {
		golden string
		kind   courier.Kind
	}{"records": {goldenRecords, courier.KindRecords}, "answer": {goldenAnswer, courier.KindAnswer}} {
		t.Run(name, func(t *testing.T) {
			b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(c.golden, "\n", ""))
			require.NoError(t, err)
			h, sections, err := read(b, c.kind, &key.PublicKey)
			require.NoError(t, err)
			require.Len(t, sections, 2)
			h.Key = nil
			require.Equal(t, headerOf(c.kind), h)
			require.Equal(t, b, small(t, c.kind, key), "and version 1 is still written as it was")
		})
	}
}
