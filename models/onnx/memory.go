package onnx

// #include <malloc.h>
import "C"

// How the C library keeps freed memory: blocks up to keepBlock come from the heap, of
// which up to keepFree stays after they are freed. ONNX Runtime without an arena frees
// and allocates the memory of every layer on every run. By default glibc gives each large
// block back to the system at once, and clearing fresh pages costs more time than a wide
// reader's arithmetic. keepBlock is the most that glibc takes. malloc_trim still gives
// everything back, which the worker does after large pictures.
const (
	keepBlock = 32 << 20
	keepFree  = 256 << 20
)

func keepMemory() {
	C.mallopt(C.M_MMAP_THRESHOLD, keepBlock)
	C.mallopt(C.M_TRIM_THRESHOLD, keepFree)
}
