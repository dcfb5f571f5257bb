package theme

import (
	"fmt"
	"image/color"
	"sort"
	"strings"

	"fyne.io/fyne/v2"
)

// Icon names a drawing. All are strokes on a 24×24 grid with round ends.
type Icon string

// The icons in use.
const (
	IconBack      Icon = "back"
	IconForward   Icon = "forward"
	IconHelp      Icon = "help"
	IconListen    Icon = "listen"
	IconStop      Icon = "stop"
	IconContrast  Icon = "contrast"
	IconGlobe     Icon = "globe"
	IconCheck     Icon = "check"
	IconPencil    Icon = "pencil"
	IconSun       Icon = "sun"
	IconMoon      Icon = "moon"
	IconCard      Icon = "card"
	IconLines     Icon = "lines"
	IconCloser    Icon = "closer"
	IconFurther   Icon = "further"
	IconCorners   Icon = "corners"
	IconTurn      Icon = "turn"
	IconFocus     Icon = "focus"
	IconHold      Icon = "hold"
	IconPerson    Icon = "person"
	IconPeople    Icon = "people"
	IconCentre    Icon = "centre"
	IconEye       Icon = "eye"
	IconEyeClosed Icon = "eye-closed"
	IconLeft      Icon = "left"
	IconRight     Icon = "right"
	IconUp        Icon = "up"
	IconClock     Icon = "clock"
	IconOffline   Icon = "offline"
	IconLock      Icon = "lock"
	IconCamera    Icon = "camera"
	IconAlert     Icon = "alert"
	IconErase     Icon = "erase"
	IconShift     Icon = "shift"
	IconStaff     Icon = "staff"
	IconAgain     Icon = "again"
)

func paths() map[Icon]string {
	return map[Icon]string{
		IconBack:      `<path d="M20 12H5"/><path d="M11 6l-6 6 6 6"/>`,
		IconForward:   `<path d="M4 12h15"/><path d="M13 6l6 6-6 6"/>`,
		IconHelp:      `<circle cx="12" cy="12" r="9"/><path d="M9.3 9.4c.3-1.6 1.4-2.4 2.8-2.4 1.6 0 2.8 1 2.8 2.5 0 2-2.9 2.2-2.9 4.2"/><path d="M12 17v.1"/>`,
		IconListen:    `<path d="M4 9.5v5h3.5l4.5 4v-13l-4.500 4z"/><path d="M15.500 9.200c1.600 1.600 1.600 4 0 5.600"/><path d="M18.300 6.500c3.100 3.100 3.100 7.900 0 11"/>`,
		IconStop:      `<path d="M6 6l12 12"/><path d="M18 6L6 18"/>`,
		IconContrast:  `<circle cx="12" cy="12" r="9"/><path fill="#C" d="M12 3a9 9 0 0 1 0 18z"/>`,
		IconGlobe:     `<circle cx="12" cy="12" r="9"/><path d="M3 12h18"/><path d="M12 3c-5 5-5 13 0 18"/><path d="M12 3c5 5 5 13 0 18"/>`,
		IconCheck:     `<path d="M5 12.500l5 5L19.500 7"/>`,
		IconPencil:    `<path d="M4 20l1-4.500L16 4.500l3.500 3.500L8.500 19z"/><path d="M13.500 7l3.500 3.500"/>`,
		IconSun:       `<circle cx="12" cy="12" r="4"/><path d="M12 2.500v2"/><path d="M12 19.500v2"/><path d="M2.500 12h2"/><path d="M19.500 12h2"/><path d="M5.300 5.300l1.400 1.400"/><path d="M17.300 17.300l1.400 1.400"/><path d="M18.700 5.300l-1.400 1.400"/><path d="M6.700 17.300l-1.400 1.400"/>`,
		IconMoon:      `<path d="M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z"/>`,
		IconCard:      `<path d="M5 5h14c1.100 0 2 .9 2 2v10c0 1.100-.9 2-2 2H5c-1.100 0-2-.9-2-2V7c0-1.100.9-2 2-2z"/><circle cx="8.500" cy="11" r="2"/><path d="M13.500 10h4"/><path d="M13.500 14h4"/><path d="M6 15.500h5"/>`,
		IconLines:     `<path d="M3 6h18"/><path d="M9 11l-5 2.500L9 16"/><path d="M20 11l-5 2.500 5 2.500"/><path d="M3 20h18"/>`,
		IconCloser:    `<circle cx="10.500" cy="10.500" r="6.500"/><path d="M20.500 20.500l-5.200-5.200"/><path d="M10.500 8v5"/><path d="M8 10.500h5"/>`,
		IconFurther:   `<circle cx="10.500" cy="10.500" r="6.500"/><path d="M20.500 20.500l-5.200-5.200"/><path d="M8 10.500h5"/>`,
		IconCorners:   `<path d="M4 9V5.500C4 4.700 4.700 4 5.500 4H9"/><path d="M15 4h3.500c.8 0 1.500.7 1.500 1.500V9"/><path d="M20 15v3.500c0 .8-.7 1.500-1.500 1.500H15"/><path d="M9 20H5.500C4.700 20 4 19.300 4 18.500V15"/>`,
		IconTurn:      `<path d="M19.500 12a7.500 7.500 0 1 1-2.200-5.300"/><path d="M19.500 3.500v4h-4"/>`,
		IconFocus:     `<circle cx="12" cy="12" r="3.500"/><circle cx="12" cy="12" r="8.500"/>`,
		IconHold:      `<path d="M8 12.500V6.200c0-1.700 2.400-1.700 2.400 0V11V4.700c0-1.700 2.500-1.700 2.500 0V11V5.700c0-1.700 2.400-1.700 2.400 0v6V8.200c0-1.700 2.400-1.700 2.400 0V15c0 3.600-2.400 6-5.700 6-2.700 0-4.300-1.200-5.500-3.500L4.300 13.500c-.8-1.500 1.200-2.600 2.200-1.300z"/>`,
		IconPerson:    `<circle cx="12" cy="8" r="4"/><path d="M4.500 20.500c.8-4.500 3.800-6.500 7.500-6.500s6.700 2 7.500 6.500"/>`,
		IconPeople:    `<circle cx="9" cy="8.500" r="3.500"/><path d="M2.500 20c.6-4 3.200-5.800 6.500-5.800s5.900 1.800 6.500 5.800"/><path d="M15.500 5.200c2.600.3 3.900 3.700 1.700 5.700"/><path d="M18 14.600c2 .9 3.200 2.700 3.500 5.400"/>`,
		IconCentre:    `<circle cx="12" cy="12" r="3"/><path d="M12 2.500v4"/><path d="M12 17.500v4"/><path d="M2.500 12h4"/><path d="M17.500 12h4"/>`,
		IconEye:       `<path d="M2.500 12c4.500-8 14.500-8 19 0-4.500 8-14.500 8-19 0z"/><circle cx="12" cy="12" r="3"/>`,
		IconEyeClosed: `<path d="M2.500 10c4.500 7 14.500 7 19 0"/><path d="M5 13.500l-1.500 2.500"/><path d="M10 15.300l-.6 3"/><path d="M14 15.300l.6 3"/><path d="M19 13.500l1.500 2.500"/>`,
		IconLeft:      `<path fill="#C" d="M16 4.500v15L5 12z"/>`,
		IconRight:     `<path fill="#C" d="M8 4.500v15L19 12z"/>`,
		IconUp:        `<path fill="#C" d="M4.500 16h15L12 5z"/>`,
		IconClock:     `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.300l3.500 2"/>`,
		IconOffline:   `<path d="M4 4l16 16"/><path d="M5 12.500c1-1 2.200-1.700 3.500-2.200"/><path d="M12.500 9.500c2.500.1 4.700 1.200 6.500 3"/><path d="M8.500 16c1-1 2.200-1.500 3.500-1.500"/><path d="M2.500 9c.9-.8 1.800-1.500 2.900-2.100"/><path d="M9.500 5.200c4.200-.7 8.700.6 12 3.800"/><path d="M12 19.500v.1"/>`,
		IconLock:      `<path d="M6.500 10.500h11c.8 0 1.500.7 1.500 1.500v7c0 .8-.7 1.500-1.500 1.500h-11C5.700 20.500 5 19.800 5 19v-7c0-.8.7-1.500 1.500-1.500z"/><path d="M8 10.500V8c0-5.300 8-5.300 8 0v2.500"/><path d="M12 14.500v2"/>`,
		IconCamera:    `<path d="M4.500 7.500H8l1.500-2.500h5L16 7.500h3.500c.8 0 1.500.7 1.500 1.500v9c0 .8-.7 1.500-1.500 1.500h-15C3.700 19.500 3 18.800 3 18V9c0-.8.7-1.500 1.500-1.500z"/><circle cx="12" cy="13" r="3.500"/>`,
		IconAlert:     `<path d="M12 3.500L2.500 20h19z"/><path d="M12 10v4.500"/><path d="M12 17.300v.1"/>`,
		IconErase:     `<path d="M8.500 5.500H20c.6 0 1 .4 1 1v11c0 .6-.4 1-1 1H8.500L3 12z"/><path d="M11 9.500l5 5"/><path d="M16 9.500l-5 5"/>`,
		IconShift:     `<path d="M12 4.500l-8 8.500h4.500v6h7v-6H20z"/>`,
		IconStaff:     `<path d="M4 14v-2c0-10.500 16-10.500 16 0v2"/><path d="M4 13.500h3v6H5.500C4.700 19.500 4 18.800 4 18z"/><path d="M20 13.500h-3v6h1.500c.8 0 1.500-.7 1.500-1.500z"/>`,
		IconAgain:     `<path d="M4.500 12a7.500 7.500 0 1 0 2.200-5.300"/><path d="M4.500 3.500v4h4"/>`,
	}
}

// Icons lists every icon, in order of name.
func Icons() []Icon {
	var out []Icon
	for n := range paths() {
		out = append(out, n)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

// SVG gives the icon in a colour for a side in pixels. weight is the stroke's
// width on the 24×24 grid; it is scaled here because the toolkit's SVG reader
// scales paths but not strokes.
func (i Icon) SVG(c color.NRGBA, weight, side float32) fyne.Resource {
	weight *= side / 24
	h := fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
	body := strings.ReplaceAll(paths()[i], "#C", h)
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24"><g fill="none" stroke="%s" stroke-width="%.2f" stroke-linecap="round" stroke-linejoin="round">%s</g></svg>`, h, weight, body)
	return fyne.NewStaticResource(fmt.Sprintf("icon-%s-%s-%.2f.svg", i, h[1:], weight), []byte(svg))
}
