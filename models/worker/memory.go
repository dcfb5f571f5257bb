package worker

// #include <malloc.h>
import "C"

import "runtime/debug"

// shrink gives unused memory of both languages back to the system.
func shrink() {
	debug.FreeOSMemory()
	C.malloc_trim(0)
}
