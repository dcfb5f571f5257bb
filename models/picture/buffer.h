#ifndef VESTIBULE_PICTURE_BUFFER_H
#define VESTIBULE_PICTURE_BUFFER_H

#ifdef __cplusplus
extern "C" {
#endif

// Both write into dst, a cv::Mat whose memory is used again where it fits, and give 0, or -1 when
// OpenCV threw; dst is empty then.

// vp_decode decodes a coded picture; flags are those of cv::imdecode.
int vp_decode(const unsigned char *data, int n, int flags, void *dst);

// vp_convert converts packed pixels, width * height * channels bytes; code is one of cv::cvtColor.
int vp_convert(const unsigned char *pix, int width, int height, int channels, int code, void *dst);

#ifdef __cplusplus
}
#endif

#endif
