// Where each layer begins and ends.
#ifndef SIMBENCH_HARNESS_LAYERS_H_
#define SIMBENCH_HARNESS_LAYERS_H_

extern "C" {

// Bracket each layer.
void simbench_op_begin(void);
void simbench_op_end(void);

}  // extern "C"

#endif  // SIMBENCH_HARNESS_LAYERS_H_
