package theme

import (
	"image/color"

	"fyne.io/fyne/v2"
	fynetheme "fyne.io/fyne/v2/theme"

	"vestibule/kiosk-ui/text"
)

// Fyne makes the tokens the toolkit's own theme, so that nothing of its default
// look shows through: not the window's ground, not a selection, not a font.
type Fyne struct {
	Palette Palette
	Fonts   *Fonts
}

var _ fyne.Theme = Fyne{}

// Color implements fyne.Theme.
func (t Fyne) Color(n fyne.ThemeColorName, _ fyne.ThemeVariant) color.Color {
	p := t.Palette
	switch n {
	case fynetheme.ColorNameBackground, fynetheme.ColorNameOverlayBackground, fynetheme.ColorNameMenuBackground:
		return p.Paper
	case fynetheme.ColorNameForeground:
		return p.Ink
	case fynetheme.ColorNamePrimary, fynetheme.ColorNameFocus, fynetheme.ColorNameHyperlink:
		return p.Brand
	case fynetheme.ColorNameForegroundOnPrimary:
		return p.BrandInk
	case fynetheme.ColorNameButton, fynetheme.ColorNameInputBackground:
		return p.Card
	case fynetheme.ColorNameInputBorder, fynetheme.ColorNameSeparator:
		return p.Line
	case fynetheme.ColorNameDisabled, fynetheme.ColorNamePlaceHolder:
		return p.Ink2
	case fynetheme.ColorNameError:
		return p.Red
	case fynetheme.ColorNameWarning:
		return p.Amber
	case fynetheme.ColorNameSuccess:
		return p.Brand
	}
	return fynetheme.DefaultTheme().Color(n, fynetheme.VariantLight)
}

// Font implements fyne.Theme.
func (t Fyne) Font(s fyne.TextStyle) fyne.Resource {
	return t.Fonts.Resource(text.Latin, s.Bold)
}

// Icon implements fyne.Theme.
func (t Fyne) Icon(n fyne.ThemeIconName) fyne.Resource { return fynetheme.DefaultTheme().Icon(n) }

// Size implements fyne.Theme.
func (t Fyne) Size(n fyne.ThemeSizeName) float32 {
	if n == fynetheme.SizeNamePadding || n == fynetheme.SizeNameInnerPadding {
		return 0
	}
	return fynetheme.DefaultTheme().Size(n)
}
