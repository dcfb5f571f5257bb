#ifndef VESTIBULE_QR_ZXING_H
#define VESTIBULE_QR_ZXING_H

#ifdef __cplusplus
extern "C" {
#endif

/* Reads one QR code in 8-bit grey pixels without padding. Returns the number of bytes put
 * into out, 0 when there is no code, -1 when it says more than cap bytes, -2 when the
 * library threw. */
int vq_read(const unsigned char *grey, int width, int height, unsigned char *out, int cap);

#ifdef __cplusplus
}
#endif

#endif
