// Part of a stand-in: see its README.md.
#pragma once

#include "tensorflow/lite/c/common.h"

// the pinned C types are of before there was one
struct TfLiteEvalTensor {
  TfLitePtrUnion data;
  TfLiteIntArray* dims;
  TfLiteType type;
};

namespace tflite {

inline TfLiteStatus TfLiteEvalTensorByteLength(const TfLiteEvalTensor* tensor, size_t* bytes) {
  *bytes = tensor->type == kTfLiteInt8 ? 1 : 4;
  for (int i = 0; i < tensor->dims->size; ++i) *bytes *= tensor->dims->data[i];
  return kTfLiteOk;
}

}  // namespace tflite
