package figures

import (
	"encoding/json"
	"fmt"
	"os"
)

// Goal is what a figure is aimed at.
type Goal struct {
	Name   string
	Value  float64
	AtMost bool // the figure shall not be above Value; else not below
}

// Met says whether a figure reaches the goal. A figure of nothing reaches none.
func (g Goal) Met(f Figure) bool {
	if f.N == 0 {
		return false
	}
	if g.AtMost {
		return f.Value <= g.Value
	}
	return f.Value >= g.Value
}

// Goals lists the goals of reading documents and faces.
func Goals() []Goal {
	return []Goal{
		{Name: "mrz.documents_exact", Value: .97},
		{Name: "mrz.documents_exact_all", Value: .93},
		{Name: "mrz.auto_accepted_wrong", Value: 0, AtMost: true},
		{Name: "mrz.auto_accept_rate", Value: .85},
		{Name: "mrz.vectors_pass", Value: 1},
		{Name: "document.outline_iou90.tray", Value: .98},
		{Name: "document.outline_iou90.desk", Value: .85},
		{Name: "document.outline_iou90.clutter", Value: .70},
		{Name: "barcode.read", Value: .98},
		{Name: "viz.field_found", Value: .90},
		{Name: "quality.blur_auc", Value: .98},
		{Name: "quality.glare_auc", Value: .95},
		{Name: "quality.copy_auc", Value: .95},
		{Name: "face.detect_rate", Value: 1},
		{Name: "face.fnmr_at_fmr_1e3", Value: .005, AtMost: true},
		{Name: "face.fnmr_at_cos38", Value: .01, AtMost: true},
		{Name: "pad.apcer_at_50", Value: .10, AtMost: true},
		{Name: "pad.bpcer_at_50", Value: .15, AtMost: true},
	}
}

// Read reads a file of figures.
func Read(file string) (Set, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	all := Set{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read figures in %s: %w", file, err)
	}
	return all, nil
}
