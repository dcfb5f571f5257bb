// Package thermal reads how hot the machine is, where the kernel tells.
//
// What may live here: reading sensors. What may not: what is too hot.
package thermal

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// Zones is where Linux tells temperatures: class thermal of sysfs, in thousandths of a degree Celsius.
const Zones = "/sys/class/thermal"

// Hottest gives the highest temperature of any zone, °C; ok is false where none can be read.
func Hottest() (celsius float64, ok bool) { return hottest(os.DirFS(Zones)) }

func hottest(root fs.FS) (celsius float64, ok bool) {
	zones, err := fs.Glob(root, "thermal_zone*")
	if err != nil {
		return 0, false
	}
	for _, z := range zones {
		b, err := fs.ReadFile(root, path.Join(z, "temp"))
		if err != nil {
			continue
		}
		milli, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil || milli < -50_000 || milli > 200_000 { // a sensor that is not there says anything
			continue
		}
		if c := float64(milli) / 1000; !ok || c > celsius {
			celsius, ok = c, true
		}
	}
	return celsius, ok
}
