// Package worker runs the Engine in a supervised, unprivileged child process of
// the same binary.
//
// OpenCV and ONNX Runtime read untrusted pixels, and an OpenCV exception ends
// its process. Here that costs one frame: the child dies, calls in flight fail
// with models.ErrWorker, a new child is up within a second, and the next call
// works. The child has no network, no environment, no file it could open after
// its networks are loaded, bounded memory, and dies with its parent.
//
// The two sides talk over two inherited pipes in length-prefixed CBOR; both
// bound what they accept. Standard output stays free.
//
// What may live here: the child's life and its cage, and the messages. What may
// not: pixels, and any decision about what was seen.
package worker
