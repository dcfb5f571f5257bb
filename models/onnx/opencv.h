#ifndef VESTIBULE_ONNX_OPENCV_H
#define VESTIBULE_ONNX_OPENCV_H

#ifdef __cplusplus
extern "C" {
#endif

// A network in OpenCV's dnn module. Whatever fails writes why into text (size bytes, always
// ended by a zero) and gives NULL or -1. Nothing here throws.
typedef struct vp_net vp_net;

// vp_net_open loads an ONNX network. The names are those of its inputs and of the outputs
// to compute; they are copied.
vp_net *vp_net_open(const char *model, int bytes, char **inputs, int ins, char **outputs, int outs, char *text, int size);

// vp_net_input gives the memory of an input, made anew when the shape changes.
float *vp_net_input(vp_net *net, int i, const int *shape, int dims, char *text, int size);

// vp_net_run computes all outputs of the inputs.
int vp_net_run(vp_net *net, char *text, int size);

// vp_net_output gives an output of the last run, good until the next, and its shape of no
// more than most dimensions.
const float *vp_net_output(vp_net *net, int i, int *shape, int most, int *dims);

void vp_net_close(vp_net *net);

#ifdef __cplusplus
}
#endif

#endif
