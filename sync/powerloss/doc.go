// Package powerloss is a disk for tests that forgets what was not synced: a file system, served through
// FUSE, of which a power cut leaves what programs asked to be kept, and nothing that the system
// merely would have written some time.
//
// What it promises is what POSIX promises, and no more. fsync of a file keeps its bytes and its length;
// fsync of a folder keeps the names in it that were made, moved and removed. Neither does the other's work: a
// synced file in a folder that was not synced is lost with its name. A rename is kept as a whole, in both
// folders, once one of them is synced, as on every file system with a journal. Modes and times are never lost.
//
// What was not synced may yet have reached a real disk. Cut therefore takes a mercy and a seed: nothing
// more survives, or any of the pages, or parts of pages (sectors of 512 bytes), in any order, and the changes of names up to
// some moment.
//
// What may live here: the disk, its mounting, what a cut leaves. What may not: who writes on it, and when the
// power goes.
package powerloss
