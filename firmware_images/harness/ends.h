// What goes into the model and what comes out: between the wire's encodings and tensors' types.
#ifndef SIMBENCH_HARNESS_ENDS_H_
#define SIMBENCH_HARNESS_ENDS_H_

namespace simbench {

// Fills the model's inputs, one after the other, from the input that came over the wire.
void LoadInputs();

// Prints every output as real values, with commas between.
void PrintOutputs();

// Prints the mean squared difference between the first input and the first output.
void PrintMeanSquaredError();

// Prints the bytes of the output tensors as one m-output-[...] line.
void PrintOutputBytes();

}  // namespace simbench

#endif  // SIMBENCH_HARNESS_ENDS_H_
