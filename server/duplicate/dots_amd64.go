package duplicate

import "golang.org/x/sys/cpu"

// dots multiplies a query with one row of Dimensions values after the other, as the processor can.
func dots(query *[Dimensions]int16, rows []int8, out []int32) {
	if !cpu.X86.HasAVX2 || len(out) == 0 {
		dotsInGo(query, rows, out)
		return
	}
	dotsAVX2(&query[0], &rows[0], &out[0], len(out))
}

// dotsAVX2 is dotsInGo for n rows, 64 values at a time. No sum overflows: 512 products of at most 127².
//
//go:noescape
func dotsAVX2(query *int16, rows *int8, out *int32, n int)
