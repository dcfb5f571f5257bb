#ifndef VESTIBULE_BARCODE_ZXING_H
#define VESTIBULE_BARCODE_ZXING_H

#ifdef __cplusplus
extern "C" {
#endif

/* How pixels become black and white. */
enum { VB_LOCAL = 0, VB_GLOBAL = 1 };

/* Reads one PDF417 symbol, bars upright or upside down, in 8-bit grey pixels without
 * padding. Returns the number of bytes put into out, 0 when there is no symbol, -1 when
 * it says more than cap bytes, -2 when the library threw. corners receives x and y of
 * the symbol's own top left, top right, bottom right, bottom left, in pixels. */
int vb_read(const unsigned char *grey, int width, int height, int binarizer,
            unsigned char *out, int cap, int corners[8]);

#ifdef __cplusplus
}
#endif

#endif
