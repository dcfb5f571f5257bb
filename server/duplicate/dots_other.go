//go:build !amd64

package duplicate

func dots(query *[Dimensions]int16, rows []int8, out []int32) { dotsInGo(query, rows, out) }
